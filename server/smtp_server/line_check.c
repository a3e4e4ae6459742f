#include "smtp_server/line_check.h"

#include <string.h>

/* The next piece of a line, without its LF. */
static void take_piece(struct line_check *check, struct bytes piece)
{
    if (piece.len == 0) {
        return;
    }
    const char *cr = memchr(piece.ptr, '\r', piece.len);
    bool is_last = cr != NULL && cr == piece.ptr + piece.len - 1;
    check->is_broken |=
        check->has_cr || (cr != NULL && !is_last) || memchr(piece.ptr, '\0', piece.len) != NULL;
    check->has_cr = is_last;
    check->line_octets += piece.len - is_last;
    check->is_broken |= check->line_octets > LINE_OCTETS_MAX;
}

void line_check_feed(struct line_check *check, struct bytes run)
{
    while (run.len > 0 && !check->is_broken) {
        size_t end = bytes_find(run, '\n');
        take_piece(check, bytes_first(run, end));
        if (end < run.len) {
            check->is_broken |= !check->has_cr;
            check->has_cr = false;
            check->line_octets = 0;
        }
        run = bytes_skip(run, end + 1);
    }
}

bool line_check_is_broken(const struct line_check *check)
{
    return check->is_broken || check->has_cr;
}
