/* The rules of lint about who may write connectors, since he decides who may relay. In Active Directory their
 * descriptors say it; in OpenLDAP access is slapd's own business, and what was tried there counts. */
#include "policy/lint_report.h"

#include <stdio.h>
#include <string.h>

/* MS-DTYP 2.4.3, MS-ADTS 5.1.3.2: to write properties, the DACL or the owner, or all of it. */
#define MASK_WRITES                                                                                          \
    (ACE_MASK_GENERIC_ALL | 0x40000000u /* GENERIC_WRITE */ | 0x00080000u /* WRITE_OWNER */ |                \
     0x00040000u /* WRITE_DAC */ | 0x00000020u /* WRITE_PROPERTY */)

/* What a trustee is by his SID alone. */
enum writer { WRITER_ADMINISTRATOR, WRITER_MANY, WRITER_UNKNOWN };

/* Whole SIDs; MS-DTYP 2.4.2.4. */
static const struct {
    const char *sid;
    enum writer writer;
} KNOWN[] = {
    {"S-1-5-18", WRITER_ADMINISTRATOR},
    {"S-1-5-9", WRITER_ADMINISTRATOR},
    {"S-1-5-10", WRITER_ADMINISTRATOR},
    {"S-1-3-0", WRITER_ADMINISTRATOR},
    {"S-1-5-32-544", WRITER_ADMINISTRATOR},
    {"S-1-1-0", WRITER_MANY},
    {"S-1-5-7", WRITER_MANY},
    {"S-1-5-11", WRITER_MANY},
    {"S-1-5-2", WRITER_MANY},
    {"S-1-5-4", WRITER_MANY},
    {"S-1-5-32-545", WRITER_MANY},
    {"S-1-5-32-546", WRITER_MANY},
    {"S-1-5-32-554", WRITER_MANY},
};

/* The last number of a SID of a domain: S-1-5-21-…. */
static const struct {
    uint32_t rid;
    enum writer writer;
} OF_DOMAIN[] = {
    {500, WRITER_ADMINISTRATOR}, {512, WRITER_ADMINISTRATOR}, {516, WRITER_ADMINISTRATOR},
    {518, WRITER_ADMINISTRATOR}, {519, WRITER_ADMINISTRATOR}, {513, WRITER_MANY},
    {514, WRITER_MANY},          {515, WRITER_MANY},
};

static enum writer writer_of(const struct sid *sid)
{
    char text[SID_TEXT_SIZE];
    (void)sid_format(sid, text);
    for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++) {
        if (strcmp(text, KNOWN[i].sid) == 0) {
            return KNOWN[i].writer;
        }
    }
    bool is_of_domain = sid->authority == 5 && sid->count > 1 && sid->sub_authorities[0] == 21;
    for (size_t i = 0; is_of_domain && i < sizeof(OF_DOMAIN) / sizeof(OF_DOMAIN[0]); i++) {
        if (sid->sub_authorities[sid->count - 1] == OF_DOMAIN[i].rid) {
            return OF_DOMAIN[i].writer;
        }
    }
    return WRITER_UNKNOWN;
}

static bool may_write(const struct ace *ace)
{
    return (ace->type == ACE_ALLOW || ace->type == ACE_ALLOW_OBJECT) &&
           !(ace->flags & ACE_FLAG_INHERIT_ONLY) && (ace->mask & MASK_WRITES);
}

static bool is_first_of_trustee(const struct acl *acl, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (may_write(&acl->aces[i]) && sid_equal(&acl->aces[i].sid, &acl->aces[index].sid)) {
            return false;
        }
    }
    return true;
}

/* The writers of one kind, each once, as a list; empty when there is none. */
static void list_writers(const struct acl *acl, enum writer kind, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < acl->count; i++) {
        char text[SID_TEXT_SIZE];
        const struct sid *sid = &acl->aces[i].sid;
        if (!may_write(&acl->aces[i]) || writer_of(sid) != kind || !is_first_of_trustee(acl, i)) {
            continue;
        }
        const char *name = sid_display_name(sid);
        name = name != NULL ? name : sid_format(sid, text);
        if (len + strlen(name) + 3 < size) {
            len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "", name);
        }
    }
}

static void check(struct lint_report *report, const char *dn, const struct access_list *access)
{
    char writers[600];
    struct lint_item item = {.finding = {.severity = LINT_ERROR, .rule = "writable-by-many", .dn = dn}};
    list_writers(&access->acl, WRITER_MANY, writers, sizeof(writers));
    if (writers[0] != '\0') {
        lint_add(report, &item,
                 "may be written by %s: they decide who may relay; take their write permission away (dsacls)",
                 writers);
    }
    list_writers(&access->acl, WRITER_UNKNOWN, writers, sizeof(writers));
    if (writers[0] != '\0') {
        item.finding.severity = LINT_INFO;
        item.finding.rule = "writable-by";
        lint_add(report, &item, "may be written, beside administrators, by %s", writers);
    }
}

static void report_tried(struct lint_report *report, const struct lint_write *write)
{
    struct lint_item item = {
        .finding = {.severity = LINT_WARNING, .rule = "writable-by-relay", .dn = write->dn}};
    if (write->is_anonymous) {
        item.finding.severity = LINT_ERROR;
        item.finding.rule = "writable-by-many";
    }
    lint_add(report, &item, "the directory lets %s write it: %s; see the access rules of docs/openldap.md",
             write->is_anonymous ? "whoever connects" : "the relay's own account",
             write->is_anonymous ? "anybody decides who may relay" : "it needs to read alone");
}

void lint_writers(struct lint_report *report)
{
    const struct organization *organization = report->organization;
    for (size_t i = 0; i < report->facts->write_count; i++) {
        report_tried(report, &report->facts->writes[i]);
    }
    if (report->facts->are_other_writers_unseen) {
        struct lint_item item = {
            .finding = {.severity = LINT_INFO, .rule = "writers-unseen", .dn = organization->server.dn}};
        lint_add(
            report, &item,
            "who may write connectors, beside the relay's account and anonymous, is not shown to the relay: "
            "compare olcAccess with docs/openldap.md");
    }
    for (size_t i = 0; i < organization->receive_count; i++) {
        check(report, organization->receive[i].dn, &organization->receive[i].access);
    }
    for (size_t i = 0; i < organization->send_count; i++) {
        check(report, organization->send[i].dn, &organization->send[i].access);
    }
}
