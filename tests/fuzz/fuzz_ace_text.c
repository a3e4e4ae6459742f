/* room: organization */
#include "organization/ace_text.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any bytes: no crash, a note with every refusal, and only sound values without one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes line = {(const char *)data, size};
    struct ace_text text;
    struct note note = {""};
    if (ace_text_parse(line, &text, &note) != OK) {
        assert(note.text[0] != '\0');
        return 0;
    }
    assert(size <= ACE_TEXT_MAX && memchr(data, '\0', size) == NULL);
    assert((text.rights & ~RIGHTS_ALL) == 0);
    assert(text.rights != 0 || text.has_unknown_guid);
    if (text.trustee_kind == ACE_TRUSTEE_DN) {
        assert(text.dn.ptr >= line.ptr && text.dn.ptr + text.dn.len <= line.ptr + line.len);
        assert(text.dn.len > 0 && memchr(text.dn.ptr, '=', text.dn.len) != NULL);
    } else {
        char sid[SID_TEXT_SIZE];
        struct sid again;
        assert(sid_parse(bytes_of_text(sid_format(&text.sid, sid)), &again) == OK &&
               sid_equal(&text.sid, &again));
    }
    return 0;
}
