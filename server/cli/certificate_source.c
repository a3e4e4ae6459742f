#include "cli/certificate_source.h"

#include "config/config.h"

const struct certificate_set *certificate_source_load(struct command_context *context)
{
    struct config config;
    struct note note = {0};
    const struct certificate_set *set = NULL;
    if (config_read(context->config_path, !context->config_path, false, &config, &note) == OK &&
        certificate_set_read(config.tls.certificate_dir, NULL, &set, &note) != OK)
        set = NULL;
    config_done(&config);
    return set;
}
