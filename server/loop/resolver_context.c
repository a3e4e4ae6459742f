#include "loop/resolver_context.h"

#include <stdio.h>
#include <unistd.h>

static const struct {
    const char *name;
    const char *value;
} options[] = {
    {"do-not-query-localhost:", "no"}, /* resolvers on 127.0.0.x are common, in containers above all */
    {"unblock-lan-zones:", "yes"},     /* names of internal networks belong to the machine's resolver */
    {"insecure-lan-zones:", "yes"},
    {"infra-host-ttl:", "30"}, /* a server that was away is asked again soon */
    {"infra-keep-probing:", "yes"},
    {"use-syslog:", "no"},
};

/* Zones that libunbound answers itself (RFC 6761) but an internal network may have. */
static const char *const internal_zones[] = {"test.", "home.arpa."};

/* The last step of a context's configuration: after the first zone it takes no more options. */
static int open_internal_zones(struct ub_ctx *context)
{
    int failure = 0;
    for (size_t i = 0; i < sizeof internal_zones / sizeof internal_zones[0] && failure == 0; i++) {
        failure = ub_ctx_zone_add(context, internal_zones[i], "nodefault");
    }
    return failure;
}

static int use_machine(struct ub_ctx *context)
{
    if (ub_ctx_resolvconf(context, NULL) != 0) {
        /* resolv.conf(5): without it the server is the machine itself. */
        int failure = ub_ctx_set_fwd(context, "127.0.0.1");
        if (failure != 0) {
            return failure;
        }
    }
    int failure = ub_ctx_hosts(context, NULL);
    return failure == UB_READFILE ? 0 : failure;
}

static int use_server(struct ub_ctx *context, const struct ip_endpoint *server)
{
    char address[IP_TEXT_SIZE];
    char text[IP_TEXT_SIZE + 8];
    snprintf(text, sizeof text, "%s@%u", ip_format_address(&server->address, address),
             (unsigned)server->port);
    return ub_ctx_set_fwd(context, text);
}

/* Without a trust anchor there is nothing to validate with. */
static int use_trust_anchor(struct ub_ctx *context, const char *file)
{
    int failure =
        ub_ctx_set_option(context, "module-config:", file != NULL ? "validator iterator" : "iterator");
    if (failure != 0 || file == NULL) {
        return failure;
    }
    /* libunbound itself would notice at the first question. */
    return access(file, R_OK) == 0 ? ub_ctx_add_ta_file(context, file) : UB_READFILE;
}

/* 0 or libunbound's code. */
static int configure(struct ub_ctx *context, const struct resolver_config *config)
{
    ub_ctx_debugout(context, NULL); /* what goes wrong is reported with the query, not on stderr */
    int failure = ub_ctx_async(context, 1);
    for (size_t i = 0; i < sizeof options / sizeof options[0] && failure == 0; i++) {
        failure = ub_ctx_set_option(context, options[i].name, options[i].value);
    }
    if (failure == 0) {
        failure = use_trust_anchor(context, config->trust_anchor_file);
    }
    if (failure == 0) {
        failure = config->server != NULL ? use_server(context, config->server) : use_machine(context);
    }
    return failure != 0 ? failure : open_internal_zones(context);
}

enum error resolver_context_new(const struct resolver_config *config, struct ub_ctx **out, struct note *note)
{
    struct ub_ctx *context = ub_ctx_create();
    if (context == NULL) {
        note_set(note, "resolver: no memory");
        return ERROR_TEMPORARY;
    }
    int failure = configure(context, config);
    if (failure != 0) {
        note_set(note, "resolver: %s", ub_strerror(failure));
        ub_ctx_delete(context);
        return ERROR_IO;
    }
    *out = context;
    return OK;
}
