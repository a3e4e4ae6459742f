#include "auth/certificate.h"

#include <stdlib.h>

struct certificate_contexts {
    const struct certificate_set *set;
    enum tls_profile profile;
    struct tls_ticket_keys *ticket_keys;
    struct tls_context *made[]; /* as many as certificates */
};

struct certificate_contexts *certificate_contexts_new(const struct certificate_set *set,
                                                      enum tls_profile profile,
                                                      struct tls_ticket_keys *ticket_keys)
{
    struct certificate_contexts *contexts =
        calloc(1, sizeof *contexts + certificate_set_count(set) * sizeof contexts->made[0]);
    if (contexts != NULL) {
        contexts->set = certificate_set_ref(set);
        contexts->profile = profile;
        contexts->ticket_keys = ticket_keys;
    }
    return contexts;
}

void certificate_contexts_free(struct certificate_contexts *contexts)
{
    if (contexts == NULL) {
        return;
    }
    for (size_t i = 0; i < certificate_set_count(contexts->set); i++) {
        tls_context_free(contexts->made[i]);
    }
    certificate_set_unref(contexts->set);
    free(contexts);
}

bool certificate_contexts_has(const struct certificate_contexts *contexts,
                              const struct certificate_wish *wish)
{
    return contexts != NULL &&
           certificate_set_choose(contexts->set, wish) < certificate_set_count(contexts->set);
}

enum error certificate_contexts_find(struct certificate_contexts *contexts,
                                     const struct certificate_wish *wish, struct tls_context **out,
                                     struct note *note)
{
    size_t index = certificate_set_choose(contexts->set, wish);
    if (index == certificate_set_count(contexts->set)) {
        return ERROR_NOT_FOUND;
    }
    const struct certificate *chosen = certificate_set_at(contexts->set, index);
    if (contexts->made[index] == NULL) {
        struct tls_server_config config = {.certificate = chosen->leaf,
                                           .key = chosen->key,
                                           .chain = chosen->chain,
                                           .profile = contexts->profile,
                                           .ticket_keys = contexts->ticket_keys};
        enum error error = tls_context_new_server(&config, &contexts->made[index], note);
        if (error != OK) {
            note_wrap(note, "%s", chosen->file);
            return error;
        }
    }
    *out = contexts->made[index];
    return OK;
}
