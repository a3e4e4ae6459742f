#include "config/value.h"

enum error value_choice(struct bytes text, const char *choices, unsigned *out_index)
{
    struct bytes rest = bytes_of_text(choices), word;
    for (unsigned index = 0; value_next_word(&rest, &word); index++) {
        if (bytes_equal_nocase(word, text)) {
            *out_index = index;
            return OK;
        }
    }
    return ERROR_SYNTAX;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool value_next_word(struct bytes *rest, struct bytes *out_word)
{
    size_t len = 0;
    *rest = bytes_trim(*rest);
    while (len < rest->len && !is_blank(rest->ptr[len]))
        len++;
    *out_word = bytes_first(*rest, len);
    *rest = bytes_skip(*rest, len);
    return len > 0;
}
