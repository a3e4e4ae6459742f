/* Single characters of the text formats. Internal to the room. */
#ifndef DIRECTORY_OCTET_H
#define DIRECTORY_OCTET_H

/* 0-15, or -1 when c is no hexadecimal digit. */
static inline int octet_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static inline char octet_fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

#endif
