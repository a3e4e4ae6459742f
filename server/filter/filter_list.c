#include "filter/filter_list.h"

#include <sys/un.h>

static bool skip_prefix(struct bytes *text, const char *prefix)
{
    if (!bytes_starts_nocase(*text, prefix)) {
        return false;
    }
    *text = bytes_skip(*text, bytes_of_text(prefix).len);
    return true;
}

static enum error parse_unix(struct bytes text, struct arena *arena, struct filter *out)
{
    if (text.len == 0 || text.ptr[0] != '/' || text.len >= sizeof((struct sockaddr_un *)0)->sun_path) {
        return ERROR_SYNTAX;
    }
    out->path = arena_copy(arena, text).ptr;
    return out->path != NULL ? OK : ERROR_LIMIT;
}

/* "host:port", "[address]:port" */
static enum error parse_inet(struct bytes text, struct arena *arena, struct filter *out)
{
    bool is_bracketed = text.len > 0 && text.ptr[0] == '[';
    size_t end = is_bracketed ? bytes_find(text, ']') : bytes_find(text, ':');
    struct bytes host = is_bracketed ? bytes_skip(bytes_first(text, end), 1) : bytes_first(text, end);
    struct bytes rest = bytes_skip(text, is_bracketed ? end + 1 : end);
    uint64_t port;
    if (host.len == 0 || host.len > 255 || rest.len < 2 || rest.ptr[0] != ':' ||
        bytes_to_u64(bytes_skip(rest, 1), UINT16_MAX, &port) != OK || port == 0) {
        return ERROR_SYNTAX;
    }
    out->host = arena_copy(arena, host).ptr;
    out->port = (uint16_t)port;
    return out->host != NULL ? OK : ERROR_LIMIT;
}

static enum error parse_one(struct bytes word, struct arena *arena, struct filter *out)
{
    *out = (struct filter){.name = arena_copy(arena, word).ptr};
    if (out->name == NULL) {
        return ERROR_LIMIT;
    }
    out->is_antispam = skip_prefix(&word, "antispam:");
    if (skip_prefix(&word, "unix:")) {
        return parse_unix(word, arena, out);
    }
    return skip_prefix(&word, "inet:") ? parse_inet(word, arena, out) : ERROR_SYNTAX;
}

enum error filter_list_parse(struct bytes text, struct arena *arena, struct filter_list *out,
                             struct note *note)
{
    struct bytes word;
    out->count = 0;
    while (bytes_next(&text, ' ', &word)) {
        word = bytes_trim(word);
        if (word.len == 0) {
            continue;
        }
        if (out->count == FILTERS_MAX) {
            note_set(note, "more than %d filters", FILTERS_MAX);
            return ERROR_LIMIT;
        }
        enum error error = parse_one(word, arena, &out->filters[out->count]);
        if (error != OK) {
            note_set(note, "\"%.*s\" is not [antispam:]inet:host:port or [antispam:]unix:/path",
                     BYTES_ARG(bytes_first(word, 100)));
            return error;
        }
        out->count++;
    }
    return OK;
}
