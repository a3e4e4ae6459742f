#include "directory/directory.h"

#include "directory/connection.h"
#include "directory/ldif.h"

#include <string.h>

#define LDIF_SCHEME "ldif:"

enum error directory_open(const struct directory_config *config, struct loop *loop, struct directory **out,
                          struct note *note)
{
    for (size_t i = 0; i < config->uri_count; i++) {
        if (strncmp(config->uris[i], LDIF_SCHEME, strlen(LDIF_SCHEME)) != 0)
            continue;
        if (config->uri_count > 1) {
            note_set(note, "an LDIF file stands alone, not beside other URIs");
            return ERROR_SYNTAX;
        }
        return ldif_directory_open(config->uris[i] + strlen(LDIF_SCHEME), loop, out, note);
    }
    return connection_open(config, loop, out, note);
}
