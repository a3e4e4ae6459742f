#include "policy/lint_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_MAX      1024
#define FINDINGS_MAX 100000

static bool has_room(struct lint_report *report)
{
    if (report->error != OK || report->count < report->capacity) {
        return report->error == OK;
    }
    size_t capacity = report->capacity == 0 ? 32 : 2 * report->capacity;
    struct lint_item *items =
        capacity > FINDINGS_MAX ? NULL : realloc(report->items, capacity * sizeof(*report->items));
    if (items == NULL) {
        report->error = ERROR_LIMIT;
        return false;
    }
    report->items = items;
    report->capacity = capacity;
    return true;
}

void lint_add(struct lint_report *report, const struct lint_item *item, const char *why, ...)
{
    char text[WHY_MAX];
    va_list arguments;
    va_start(arguments, why);
    (void)vsnprintf(text, sizeof(text), why, arguments);
    va_end(arguments);
    if (!has_room(report)) {
        return;
    }
    const char *copy = arena_copy(report->arena, bytes_of_text(text)).ptr;
    if (copy == NULL) {
        report->error = ERROR_LIMIT;
        return;
    }
    report->items[report->count] = *item;
    report->items[report->count++].finding.why = copy;
}

/* RFC 2849 SAFE-STRING, and no blank at the end. */
static bool is_safe(const char *value)
{
    size_t len = strlen(value);
    if (len > 0 && (strchr(" :<", value[0]) != NULL || value[len - 1] == ' ')) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)value[i] > 126 || (unsigned char)value[i] < ' ') {
            return false;
        }
    }
    return true;
}

/* "name: value", or "name:: base64". */
static const char *ldif_line(struct arena *arena, const char *name, const char *value)
{
    if (is_safe(value)) {
        return arena_printf(arena, "%s: %s", name, value);
    }
    struct bytes bytes = bytes_of_text(value);
    char *encoded = malloc(4 * ((bytes.len + 2) / 3) + 1);
    if (encoded == NULL) {
        return NULL;
    }
    bytes_to_base64(bytes, encoded);
    const char *line = arena_printf(arena, "%s:: %s", name, encoded);
    free(encoded);
    return line;
}

const char *lint_fix(struct lint_report *report, const char *dn, const char *operation, const char *attribute,
                     const char *value)
{
    const char *dn_line = ldif_line(report->arena, "dn", dn);
    if (dn_line != NULL && value == NULL) {
        return arena_printf(report->arena, "%s\nchangetype: modify\n%s: %s\n-\n", dn_line, operation,
                            attribute);
    }
    const char *value_line = dn_line == NULL ? NULL : ldif_line(report->arena, attribute, value);
    if (value_line == NULL) {
        return NULL;
    }
    return arena_printf(report->arena, "%s\nchangetype: modify\n%s: %s\n%s\n-\n", dn_line, operation,
                        attribute, value_line);
}

const char *lint_fix_values(struct lint_report *report, const char *dn, const char *attribute,
                            const char *const *values, size_t count)
{
    struct arena *arena = report->arena;
    const char *dn_line = ldif_line(arena, "dn", dn);
    const char *text = dn_line == NULL || count == 0
                           ? NULL
                           : arena_printf(arena, "%s\nchangetype: modify\nreplace: %s\n", dn_line, attribute);
    for (size_t i = 0; i < count && text != NULL; i++) {
        const char *line = ldif_line(arena, attribute, values[i]);
        text = line == NULL ? NULL : arena_printf(arena, "%s%s\n", text, line);
    }
    return text == NULL ? NULL : arena_printf(arena, "%s-\n", text);
}

const char *lint_fix_delete(struct lint_report *report, const char *dn)
{
    const char *line = ldif_line(report->arena, "dn", dn);
    return line == NULL ? NULL : arena_printf(report->arena, "%s\nchangetype: delete\n", line);
}

const char *lint_fix_ace(struct lint_report *report, const struct ace_origin *ace)
{
    if (ace == NULL || ace->text == NULL || ace->from == NULL || ace->text[0] == '(') {
        return NULL;
    }
    return ace->group != NULL ? lint_fix(report, ace->from, "delete", "dirrelayPermissionGroups", ace->group)
                              : lint_fix(report, ace->from, "delete", "dirrelayAce", ace->text);
}
