/* room: source */
/* Prints the attribute tables as JSON lines, from which make_attributes_doc.py makes docs/attributes.md. */
#include "source/attributes.h"

#include <inttypes.h>
#include <stdio.h>

static const char *kind_name(enum attribute_kind kind)
{
    switch (kind) {
    case ATTRIBUTE_BOOLEAN:
        return "boolean";
    case ATTRIBUTE_INTEGER:
        return "integer";
    case ATTRIBUTE_BITS:
        return "bits";
    case ATTRIBUTE_TEXT:
        return "text";
    case ATTRIBUTE_SECRET:
        return "secret";
    case ATTRIBUTE_LIST:
        return "values";
    }
    return "?";
}

static void print_table(const struct attribute_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct attribute_row *row = &table->rows[i];
        printf("{\"class\":\"%s\",\"name\":\"%s\",\"parameter\":\"%s\",\"kind\":\"%s\",\"minimum\":%" PRId64
               ",\"maximum\":%" PRId64 ",\"default\":%" PRId64 ",\"edge_default\":%" PRId64,
               table->object_class, row->name, row->parameter, kind_name(row->kind), row->minimum,
               row->maximum, row->fallback, row->edge_fallback);
        if (row->enforced_by)
            printf(",\"enforced_by\":\"%s\"}\n", row->enforced_by);
        else
            printf(",\"enforced_by\":null}\n");
    }
}

int main(void)
{
    const struct attribute_table *const tables[] = {&receive_attributes, &send_attributes, &domain_attributes,
                                                    &settings_attributes, &server_attributes};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        print_table(tables[i]);
    return 0;
}
