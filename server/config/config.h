/* The configuration file: INI, every key also as an environment variable. Contract 2 fixes names and
 * defaults. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "auth/accounts.h"
#include "base/arena.h"
#include "base/event.h"
#include "base/ip.h"
#include "base/pressure.h"
#include "directory/directory.h"
#include "filter/filter_list.h"
#include "loop/tls.h"

#define CONFIG_DEFAULT_PATH "/etc/dirrelay/dirrelay.conf"
#define CONFIG_RETRY_MAX    32
#define CONFIG_RANGES_MAX   64

enum config_start_tls { START_TLS_DEFAULT, START_TLS_DEMAND, START_TLS_NEVER };

struct config_ranges {
    struct ip_range *ranges; /* in the arena */
    size_t count;
};

/* Texts live in the arena; NULL where a key has no default and was not given. */
struct config {
    struct {
        const char *uri;
        enum directory_flavor flavor;
        const char *config_base;
        const char *accounts_base;
        const char *login_attributes[LOGIN_ATTRIBUTES_MAX];
        size_t login_attribute_count; /* 0: by flavor */
        const char *bind_dn;
        const char *bind_password; /* secret: never printed */
        const char *sasl_mech;
        uint64_t poll_ms;
        enum config_start_tls start_tls;
        const char *ca_file;
    } directory;
    struct {
        const char *name;      /* default: the host's name up to the first dot */
        const char *host_name; /* this machine's, as the kernel says it; no key of its own */
        const char *organization;
        const char *state_dir;
        const char *user;
        const char *group;
        uint64_t loops;
        const char *control;
        uint64_t drain_ms;
        struct config_ranges proxy_trusted;
    } server;
    struct {
        uint64_t workers;
        uint64_t queue;
        uint64_t failures; /* of one source within failure_window_ms */
        uint64_t failure_window_ms;
        uint64_t group_depth;
        uint64_t group_limit;
    } auth;
    struct {
        enum tls_profile profile;
        const char *certificate_dir;
        const char *ca_file;
        const char *crl_file;
        bool dane; /* where answers of the DNS are validated */
        bool mta_sts;
        bool crl_fetch; /* lists are fetched from where certificates say that they are */
    } tls;
    struct {
        uint64_t retry_ms[CONFIG_RETRY_MAX];
        size_t retry_count;
        uint64_t expire_ms;
        uint64_t delay_warning_ms; /* 0: never */
        uint64_t reserve_bytes;
    } queue;
    struct {
        struct filter_list list;
    } filter;
    struct {
        struct pressure_marks disk;   /* percent used of state_dir's file system */
        struct pressure_marks memory; /* percent of what this process may have */
        struct pressure_marks queue;  /* messages */
    } pressure;
    struct {
        enum event_format format;
        enum event_level level;
    } log;
    struct {
        struct ip_endpoint listen; /* IP_NONE: off */
    } metrics;
    struct {
        const char *trust_anchor; /* NULL: answers are not validated */
    } dns;
    struct {
        const char *keytab;  /* of the GSSAPI bind, and of the acceptor */
        const char *service; /* the acceptor's, "smtp" */
    } sasl;
    struct arena arena;
};

/* Reads the file, then the environment over it, and fills in the defaults. path NULL: the default path.
 * is_optional: a missing file is an empty one (the environment may say everything; tools with --directory
 * need none). ERROR_SYNTAX with a note "FILE:LINE: section.key: what is wrong" or "VARIABLE: what is wrong":
 * unknown section or key, a key given twice, bad value, a key of a later step, a line longer than libinih
 * reads, directory.uri missing while need_directory, directory.bind_dn and bind_password without the other (a
 * bind without a password would be an anonymous one that looks like success, RFC 4513 5.1.2). ERROR_IO: the
 * file cannot be read. config_done in any case. */
MUST_USE enum error config_read(const char *path, bool is_optional, bool need_directory, struct config *out,
                                struct note *note);
void config_done(struct config *config);
/* The keytab that the directory is bound with, or NULL: another way of binding. */
const char *config_client_keytab(const struct config *config);

/* The directory part as the directory room takes it; texts borrowed from config. uri_override: --directory,
 * or NULL. ERROR_SYNTAX: more than DIRECTORY_URI_MAX URIs, or config_base or accounts_base is no DN. */
MUST_USE enum error config_directory(const struct config *config, const char *uri_override,
                                     struct arena *arena, struct directory_config *out, struct note *note);
/* What the accounts of this directory are found by; texts borrowed from config. */
struct accounts_config config_accounts(const struct config *config, struct directory *directory);

#endif
