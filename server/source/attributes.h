/* The attributes of every class that is read: facts 1.3-1.7 and contract 3 as tables. */
#ifndef SOURCE_ATTRIBUTES_H
#define SOURCE_ATTRIBUTES_H

#include "source/attribute_table.h"

struct attribute_table {
    const char *object_class;
    const struct attribute_row *rows;
    size_t count;
};

extern const struct attribute_table receive_attributes;  /* of struct receive_connector */
extern const struct attribute_table send_attributes;     /* of struct send_connector */
extern const struct attribute_table domain_attributes;   /* of struct domain_values */
extern const struct attribute_table settings_attributes; /* of struct transport_settings */
extern const struct attribute_table server_attributes;   /* of struct server_values */

/* What a table's fields are where the organization's structs hold something else. */
struct domain_values {
    const char *name;
    uint32_t flags;
    bool allow_open_relay;
};
struct server_values {
    uint32_t roles;
};

#define CONNECTOR_CLASS_RECEIVE "msExchSmtpReceiveConnector"
#define CONNECTOR_CLASS_SEND    "msExchRoutingSMTPConnector"

#define TEXT_BYTES_MAX    1024
#define DAY_S             86400
#define INTEGER_MAX       INT32_MAX
#define KILOBYTES_MAX     INT32_MAX
#define NO_FIELD          STORE_NONE, 0
#define FIELD(type, name) offsetof(struct type, name)

#endif
