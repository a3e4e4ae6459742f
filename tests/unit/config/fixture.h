/* A configuration file in a folder of its own, read and judged. */
#ifndef CONFIG_FIXTURE_H
#define CONFIG_FIXTURE_H

#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

static char folder[] = "/tmp/dirrelay-test-config-XXXXXX";
static char path[64];
static char secret_path[64];

static inline int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/dirrelay.conf", folder);
    snprintf(secret_path, sizeof secret_path, "%s/secret", folder);
    return 0;
}

static inline int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    unlink(secret_path);
    return rmdir(folder);
}

/* No DIRRELAY_ variable of the surroundings, nor of the test before. */
static inline int clear_environment(void **state)
{
    (void)state;
    for (char **variable = environ; *variable;) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*variable, "="), *variable);
        if (strncmp(name, "DIRRELAY_", 9) == 0)
            unsetenv(name);
        else
            variable++;
    }
    return 0;
}

static inline void write_file(const char *name, struct bytes content)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content.ptr, 1, content.len, file), content.len);
    assert_int_equal(fclose(file), 0);
}

static inline enum error read_text(const char *text, struct config *config, struct note *note)
{
    write_file(path, bytes_of_text(text));
    return config_read(path, false, false, config, note);
}

static inline void check_good(const char *text, struct config *config)
{
    struct note note = {0};
    enum error error = read_text(text, config, &note);
    if (error)
        fail_msg("%s", note.text);
}

/* The note is the file's path and this. */
static inline void check_bad(const char *text, const char *complaint)
{
    struct config config;
    struct note note = {0};
    assert_int_equal(read_text(text, &config, &note), ERROR_SYNTAX);
    assert_memory_equal(note.text, path, strlen(path));
    assert_string_equal(note.text + strlen(path), complaint);
    config_done(&config);
}

#define TEST(function) cmocka_unit_test_setup(function, clear_environment)

#endif
