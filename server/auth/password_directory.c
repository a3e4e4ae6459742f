#include "auth/password_directory.h"

#include "directory/bind_pool.h"

#include <stdlib.h>

struct password_directory {
    struct password_prover face;
    struct bind_pool *pool;
};

static enum error prove(struct password_prover *prover, const char *dn, struct bytes password,
                        struct note *why)
{
    return bind_pool_try(((struct password_directory *)prover)->pool, dn, password, why);
}

enum error password_directory_new(const struct directory_config *config, struct password_prover **out)
{
    static const struct password_prover_ops ops = {prove};
    struct password_directory *directory = calloc(1, sizeof *directory);
    if (!directory)
        return ERROR_TEMPORARY;
    directory->face.ops = &ops;
    enum error error = bind_pool_new(config, &directory->pool);
    if (error) {
        free(directory);
        return error;
    }
    *out = &directory->face;
    return OK;
}

void password_directory_give_up(struct password_prover *prover)
{
    bind_pool_give_up(((struct password_directory *)prover)->pool);
}

void password_directory_free(struct password_prover *prover)
{
    if (!prover)
        return;
    struct password_directory *directory = (struct password_directory *)prover;
    bind_pool_free(directory->pool);
    free(directory);
}
