#include "config/config.h"

#include "config/keys.h"
#include "config/value.h"
#include "directory/filter_text.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET_FILE_MAX 4096
#define DN_MAX          8192
#define INI_LINE_MAX    198 /* what libinih's own line buffer holds */

/* One reading of a file. */
struct reading {
    FILE *file;
    const char *path;
    int line;
    bool line_too_long;
    bool *is_given; /* by row, so that a key given twice is an error */
    struct config *config;
    struct note *note;
    enum error error;
};

static const struct key_row *find_row(const char *section, const char *name)
{
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (strcmp(CONFIG_KEYS[i].section, section) == 0 && strcmp(CONFIG_KEYS[i].name, name) == 0)
            return &CONFIG_KEYS[i];
    }
    return NULL;
}

static bool is_section(struct bytes name)
{
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (bytes_equal(name, bytes_of_text(CONFIG_KEYS[i].section)))
            return true;
    }
    return false;
}

/* libinih's handler: 1 goes on, 0 ends. */
static int on_key(void *owner, const char *section, const char *name, const char *value)
{
    struct reading *reading = owner;
    if (reading->error)
        return 0;
    const struct key_row *row = find_row(section, name);
    const char *expected = NULL;
    reading->error = ERROR_SYNTAX;
    if (!row) {
        note_set(reading->note, "%s:%d: unknown key %s.%s", reading->path, reading->line, section, name);
        return 0;
    }
    if (reading->is_given[row - CONFIG_KEYS]) {
        note_set(reading->note, "%s:%d: %s.%s is given twice", reading->path, reading->line, section, name);
        return 0;
    }
    reading->is_given[row - CONFIG_KEYS] = true;
    if (key_apply(row, bytes_of_text(value), reading->config, &expected)) {
        note_set(reading->note, "%s:%d: %s.%s: expected %s", reading->path, reading->line, section, name,
                 expected);
        return 0;
    }
    reading->error = OK;
    return 1;
}

/* libinih tells of a section only with its first key. */
static void check_section(struct reading *reading, struct bytes line)
{
    struct bytes name = bytes_first(bytes_skip(line, 1), bytes_find(bytes_skip(line, 1), ']'));
    if (is_section(name))
        return;
    reading->error = ERROR_SYNTAX;
    note_set(reading->note, "%s:%d: unknown section [%.*s]", reading->path, reading->line, BYTES_ARG(name));
}

/* libinih's reader, which counts the lines (the library does not hand their numbers on). Blanks at the start
 * of a line are taken off: the library would read on the value of the line before. */
static char *read_line(char *line, int size, void *owner)
{
    struct reading *reading = owner;
    if (reading->error || reading->line_too_long)
        return NULL;
    char *got = fgets(line, size, reading->file);
    if (!got)
        return NULL;
    reading->line++;
    size_t length = strlen(line), blanks = strspn(line, " \t");
    /* A zero byte hides the rest of the line, its end too. */
    reading->line_too_long = (length == 0 || line[length - 1] != '\n') && !feof(reading->file);
    memmove(line, line + blanks, length - blanks + 1);
    if (line[0] == '[')
        check_section(reading, bytes_of_text(line));
    return reading->error || reading->line_too_long ? NULL : got;
}

static enum error read_file(struct reading *reading, bool is_optional)
{
    reading->file = fopen(reading->path, "re");
    if (!reading->file) {
        if (is_optional && errno == ENOENT)
            return OK;
        note_set(reading->note, "%s: %s", reading->path, strerror(errno));
        return ERROR_IO;
    }
    int failed_line = ini_parse_stream(read_line, reading, on_key, reading);
    bool is_read = !ferror(reading->file);
    fclose(reading->file);
    if (!is_read) {
        note_set(reading->note, "%s: cannot be read", reading->path);
        return ERROR_IO;
    }
    if (reading->line_too_long) {
        note_set(reading->note, "%s:%d: a line longer than %d characters", reading->path, reading->line,
                 INI_LINE_MAX);
        return ERROR_SYNTAX;
    }
    if (!reading->error && failed_line != 0) {
        note_set(reading->note, "%s:%d: neither [section] nor key = value", reading->path, failed_line);
        return ERROR_SYNTAX;
    }
    return reading->error;
}

/* "DIRRELAY_DIRECTORY_BIND_PASSWORD" and the same with "_FILE". */
static void variable_name(const struct key_row *row, const char *suffix, char *out, size_t size)
{
    snprintf(out, size, "DIRRELAY_%s_%s%s", row->section, row->name, suffix);
    for (char *c = out; *c; c++)
        *c = (char)toupper((unsigned char)*c);
}

/* The content of a secret's file without the line end behind it. */
static enum error read_secret(const char *path, char *out, size_t size, struct note *note)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        note_set(note, "%s: %s", path, strerror(errno));
        return ERROR_IO;
    }
    size_t length = fread(out, 1, size, file);
    bool is_read = !ferror(file);
    fclose(file);
    if (!is_read) {
        note_set(note, "%s: cannot be read", path);
        return ERROR_IO;
    }
    if (length == size) {
        note_set(note, "%s: longer than %zu bytes", path, size - 1);
        return ERROR_SYNTAX;
    }
    while (length > 0 && (out[length - 1] == '\n' || out[length - 1] == '\r'))
        length--;
    out[length] = '\0';
    return OK;
}

static enum error apply_variable(const struct key_row *row, struct config *config, struct note *note)
{
    char plain[128], with_file[128], secret[SECRET_FILE_MAX];
    variable_name(row, "", plain, sizeof plain);
    variable_name(row, "_FILE", with_file, sizeof with_file);
    const char *value = getenv(plain), *file = getenv(with_file), *expected = NULL;
    if (value && file) {
        note_set(note, "%s and %s are both set", plain, with_file);
        return ERROR_SYNTAX;
    }
    if (!value && !file)
        return OK;
    enum error error = OK;
    if (file) {
        error = read_secret(file, secret, sizeof secret, note);
        value = secret;
    }
    if (error) {
        note_wrap(note, "%s", with_file);
    } else if (key_apply(row, bytes_of_text(value), config, &expected)) {
        note_set(note, "%s: expected %s", file ? with_file : plain, expected);
        error = ERROR_SYNTAX;
    }
    explicit_bzero(secret, sizeof secret);
    return error;
}

static void apply_defaults(struct config *config)
{
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        const char *expected;
        if (CONFIG_KEYS[i].fallback &&
            key_apply(&CONFIG_KEYS[i], bytes_of_text(CONFIG_KEYS[i].fallback), config, &expected))
            abort(); /* a default of ours that does not parse */
    }
}

/* server.name defaults to the host's short name. */
static enum error name_host(struct config *config)
{
    char host[256] = "localhost";
    gethostname(host, sizeof host - 1);
    struct bytes full = bytes_of_text(host);
    config->server.host_name = arena_copy(&config->arena, full).ptr;
    if (!config->server.name)
        config->server.name = arena_copy(&config->arena, bytes_first(full, bytes_find(full, '.'))).ptr;
    return config->server.host_name && config->server.name ? OK : ERROR_LIMIT;
}

/* What no key shows alone. */
static enum error check_whole(const struct config *config, const char *path, bool need_directory,
                              struct note *note)
{
    const char *flaw = NULL;
    if (need_directory && !config->directory.uri)
        flaw = "directory.uri is missing";
    else if (config->directory.bind_dn && !config->directory.bind_password)
        flaw = "directory.bind_dn needs directory.bind_password";
    else if (config->directory.bind_password && !config->directory.bind_dn)
        flaw = "directory.bind_password needs directory.bind_dn";
    if (!flaw)
        return OK;
    note_set(note, "%s: %s", path, flaw);
    return ERROR_SYNTAX;
}

enum error config_read(const char *path, bool is_optional, bool need_directory, struct config *out,
                       struct note *note)
{
    memset(out, 0, sizeof *out);
    arena_init(&out->arena, 1u << 20);
    apply_defaults(out);

    bool *is_given = arena_array(&out->arena, CONFIG_KEY_COUNT, sizeof *is_given);
    struct reading reading = {
        .path = path ? path : CONFIG_DEFAULT_PATH, .config = out, .note = note, .is_given = is_given};
    enum error error = is_given ? read_file(&reading, is_optional) : ERROR_LIMIT;
    for (size_t i = 0; i < CONFIG_KEY_COUNT && !error; i++)
        error = apply_variable(&CONFIG_KEYS[i], out, note);
    error = error ? error : name_host(out);
    out->filter.list.directory = out->server.state_dir;
    return error ? error : check_whole(out, reading.path, need_directory, note);
}

void config_done(struct config *config)
{
    if (config->directory.bind_password)
        explicit_bzero((char *)(uintptr_t)config->directory.bind_password,
                       strlen(config->directory.bind_password));
    arena_done(&config->arena);
}

/* NULL: to be discovered. */
static bool is_dn(const char *text)
{
    struct buffer normal;
    buffer_init(&normal, DN_MAX);
    bool is_good = !text || dn_normalize(bytes_of_text(text), &normal) == OK;
    buffer_done(&normal);
    return is_good;
}

const char *config_client_keytab(const struct config *config)
{
    const char *mechanism = config->directory.sasl_mech;
    return mechanism && strcmp(mechanism, "GSSAPI") == 0 ? config->sasl.keytab : NULL;
}

enum error config_directory(const struct config *config, const char *uri_override, struct arena *arena,
                            struct directory_config *out, struct note *note)
{
    *out = (struct directory_config){
        .flavor = config->directory.flavor,
        .bind_dn = config->directory.bind_dn,
        .bind_password = config->directory.bind_password,
        .sasl_mech = config->directory.sasl_mech,
        .start_tls_never = config->directory.start_tls == START_TLS_NEVER,
        .start_tls_always = config->directory.start_tls == START_TLS_DEMAND,
        .ca_file = config->directory.ca_file,
        .poll_ms = config->directory.poll_ms,
    };
    if (!is_dn(config->directory.config_base)) {
        note_set(note, "directory.config_base is not a DN");
        return ERROR_SYNTAX;
    }
    if (!is_dn(config->directory.accounts_base)) {
        note_set(note, "directory.accounts_base is not a DN");
        return ERROR_SYNTAX;
    }
    struct bytes rest = bytes_of_text(uri_override ? uri_override : config->directory.uri), word;
    /* The path of an LDIF file may hold blanks: it is always the only URI. */
    if (bytes_starts_nocase(rest, "ldif:")) {
        out->uris[out->uri_count++] = arena_copy(arena, rest).ptr;
        return out->uris[0] ? OK : ERROR_LIMIT;
    }
    while (value_next_word(&rest, &word)) {
        if (out->uri_count == DIRECTORY_URI_MAX) {
            note_set(note, "directory.uri: more than %d URIs", DIRECTORY_URI_MAX);
            return ERROR_SYNTAX;
        }
        const char *uri = arena_copy(arena, word).ptr;
        if (!uri)
            return ERROR_LIMIT;
        out->uris[out->uri_count++] = uri;
    }
    return OK;
}

struct accounts_config config_accounts(const struct config *config, struct directory *directory)
{
    struct accounts_config accounts = {
        .directory = directory,
        .accounts_base = config->directory.accounts_base,
        .login_attribute_count = config->directory.login_attribute_count,
        .group_depth = (uint32_t)config->auth.group_depth,
        .group_limit = (uint32_t)config->auth.group_limit,
        .poll_ms = config->directory.poll_ms,
        .clock = &clock_system,
    };
    memcpy(accounts.login_attributes, config->directory.login_attributes, sizeof accounts.login_attributes);
    return accounts;
}
