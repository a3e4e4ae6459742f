#include "admin/safe_text.h"

json_t *safe_text_json(struct bytes text)
{
    json_t *value = json_stringn(text.ptr ? text.ptr : "", text.len);
    if (value)
        return value;
    char shown[1024];
    size_t length = text.len < sizeof shown ? text.len : sizeof shown;
    for (size_t i = 0; i < length; i++)
        shown[i] = text.ptr[i] >= ' ' && text.ptr[i] <= '~' ? text.ptr[i] : '?';
    return json_stringn(shown, length);
}
