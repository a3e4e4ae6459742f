/* fakes: tls */
/* Reading a directory of certificates, and facts 10.1's choice among them. */
#include "auth/certificate.h"

#include "fakes/fake_tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/dr-certificates-XXXXXX";

static const char *path_of(const char *file)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return path;
}

static void write_text(const char *file, const char *text)
{
    FILE *out = fopen(path_of(file), "we");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void write_certificate(const char *file, struct fake_certificate certificate)
{
    fake_certificate_make(&certificate);
    char *pem = fake_certificate_pem(&certificate);
    write_text(file, pem);
    free(pem);
    fake_certificate_done(&certificate);
}

static const struct certificate_set *read_set(const struct certificate_set *previous)
{
    const struct certificate_set *set = NULL;
    struct note note = {0};
    assert_int_equal(certificate_set_read(folder, previous, &set, &note), OK);
    assert_string_equal(note.text, "");
    return set;
}

/* The file that is chosen, or "". */
static const char *chosen(const struct certificate_set *set, const char *name, const char *fqdn)
{
    size_t index =
        certificate_set_choose(set, &(struct certificate_wish){.certificate_name = name, .fqdn = fqdn});
    return index < certificate_set_count(set) ? certificate_set_at(set, index)->file : "";
}

static int clean(void **state)
{
    char command[600];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) != 0 || mkdir(folder, 0700) != 0;
}

/* proves: C150 C151 C152 facts-10.1 */
static void the_name_decides_then_the_issuer_then_the_age(void **state)
{
    (void)state;
    struct fake_certificate ca = {.name = "Contoso CA"};
    fake_certificate_make(&ca);
    write_certificate("a-self-new.pem", (struct fake_certificate){.name = "mail.contoso.com", .age_days = 1});
    const struct certificate_set *set = read_set(NULL);
    assert_string_equal(chosen(set, NULL, "mail.contoso.com"), "a-self-new.pem");
    assert_string_equal(chosen(set, NULL, "MAIL.contoso.COM"), "a-self-new.pem");
    assert_string_equal(chosen(set, NULL, "other.contoso.com"), "");
    certificate_set_unref(set);

    write_certificate("b-self-newest.pem", (struct fake_certificate){.name = "mail.contoso.com"});
    write_certificate("c-issued-old.pem",
                      (struct fake_certificate){.name = "mail.contoso.com", .issuer = &ca, .age_days = 20});
    set = read_set(NULL);
    assert_string_equal(chosen(set, NULL, "mail.contoso.com"), "c-issued-old.pem");
    certificate_set_unref(set);

    write_certificate("d-issued-new.pem",
                      (struct fake_certificate){.name = "mail.contoso.com", .issuer = &ca, .age_days = 2});
    write_certificate("e-issued-older.pem",
                      (struct fake_certificate){.name = "mail.contoso.com", .issuer = &ca, .age_days = 5});
    write_certificate("f-other.pem",
                      (struct fake_certificate){.name = "x", .alternatives = "DNS:a.example,DNS:b.example"});
    write_certificate("g-wild.pem",
                      (struct fake_certificate){.name = "w", .alternatives = "DNS:*.wild.example"});
    write_certificate("h-version-1.pem",
                      (struct fake_certificate){.name = "v1.example", .is_version_1 = true});
    write_certificate("i-subject.pem", (struct fake_certificate){.name = "subject.example",
                                                                 .alternatives = "DNS:san.example"});
    write_certificate("j-expired.pem",
                      (struct fake_certificate){.name = "late.example", .age_days = 30, .days = 10});
    set = read_set(NULL);
    assert_int_equal(certificate_set_count(set), 10);
    assert_string_equal(chosen(set, NULL, "mail.contoso.com"), "d-issued-new.pem");
    assert_string_equal(chosen(set, NULL, "b.example"), "f-other.pem");
    assert_string_equal(chosen(set, NULL, "x.wild.example"), "g-wild.pem");
    assert_string_equal(chosen(set, NULL, "v1.example"), "");
    assert_string_equal(chosen(set, NULL, "subject.example"), "i-subject.pem");
    assert_string_equal(chosen(set, NULL, "san.example"), "i-subject.pem");
    assert_string_equal(chosen(set, NULL, "late.example"), "j-expired.pem");
    certificate_set_unref(set);
    fake_certificate_done(&ca);
}

/* proves: facts-10.1 */
static void a_certificate_name_is_issuer_and_subject(void **state)
{
    (void)state;
    struct fake_certificate ca = {.name = "Contoso CA"};
    fake_certificate_make(&ca);
    write_certificate("issued.pem", (struct fake_certificate){.name = "mail.contoso.com", .issuer = &ca});
    write_certificate("self.pem", (struct fake_certificate){.name = "mail.contoso.com"});
    const struct certificate_set *set = read_set(NULL);
    static const struct {
        const char *name;
        const char *file;
    } rows[] = {
        {"<I>CN=mail.contoso.com, O=Contoso<S>CN=mail.contoso.com, O=Contoso", "self.pem"},
        {"<i>cn=Contoso CA,o=contoso<S>CN=mail.contoso.com,O=Contoso", "issued.pem"},
        {"<I>O=Contoso, CN=Contoso CA<S>O=Contoso, CN=mail.contoso.com", "issued.pem"},
        {"<I>CN=Contoso CA<S>CN=mail.contoso.com", ""},
        {"<I>CN=Other CA, O=Contoso<S>CN=mail.contoso.com, O=Contoso", ""},
        {"<I><S>", ""},
        {"mail.contoso.com", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* The Fqdn does not count beside it. */
        assert_string_equal(chosen(set, rows[i].name, "mail.contoso.com"), rows[i].file);
    }
    certificate_set_unref(set);
    fake_certificate_done(&ca);
}

static void assert_refused(const struct certificate_set *set, const char *file, const char *why, bool is_kept)
{
    size_t count;
    const struct certificate_refusal *refusals = certificate_set_refusals(set, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(refusals[i].file, file) == 0) {
            if (strstr(refusals[i].why, why) == NULL) {
                fail_msg("%s: \"%s\" does not hold \"%s\"", file, refusals[i].why, why);
            }
            assert_int_equal(refusals[i].is_kept, is_kept);
            return;
        }
    }
    fail_msg("%s is not refused", file);
}

static void an_unreadable_file_is_named_and_the_others_serve(void **state)
{
    (void)state;
    struct fake_certificate one = {.name = "one.example"}, other = {.name = "other.example"};
    size_t count;
    write_certificate("good.pem", (struct fake_certificate){.name = "good.example"});
    write_text("empty.pem", "");
    write_text("noise.pem", "no certificate at all\n");
    write_text("ignored.txt", "not read");
    write_text(".hidden.pem", "not read");
    assert_int_equal(mkdir(path_of("folder.pem"), 0700), 0);
    assert_int_equal(mkfifo(path_of("fifo.pem"), 0600), 0);
    assert_int_equal(symlink("/nonexistent", path_of("dangling.pem")), 0);
    fake_certificate_make(&one);
    fake_certificate_make(&other);
    char *one_pem = fake_certificate_pem(&one), *other_pem = fake_certificate_pem(&other);
    char mixed[8192];
    /* one's certificate with the other's key */
    *strstr(one_pem, "-----BEGIN PRIVATE") = '\0';
    write_text("keyless.pem", one_pem);
    snprintf(mixed, sizeof mixed, "%s%s", one_pem, strstr(other_pem, "-----BEGIN PRIVATE"));
    write_text("mixed.pem", mixed);
    snprintf(mixed, sizeof mixed, "%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
             other_pem);
    write_text("broken-chain.pem", mixed);
    const struct certificate_set *set = read_set(NULL);
    assert_int_equal(certificate_set_count(set), 1);
    certificate_set_refusals(set, &count);
    assert_int_equal(count, 8);
    assert_refused(set, "empty.pem", "no certificate", false);
    assert_refused(set, "noise.pem", "no certificate", false);
    assert_refused(set, "folder.pem", "not a file", false);
    assert_refused(set, "fifo.pem", "not a file", false);
    assert_refused(set, "dangling.pem", "No such file", false);
    assert_refused(set, "keyless.pem", "no private key", false);
    assert_refused(set, "mixed.pem", "not that of the first certificate", false);
    assert_refused(set, "broken-chain.pem", "chain", false);
    assert_string_equal(chosen(set, NULL, "good.example"), "good.pem");

    /* Half written anew: what was good stays, until the file is gone. */
    write_text("good.pem", "-----BEGIN CERTIFICATE-----\nMIIB");
    const struct certificate_set *next = read_set(set);
    assert_refused(next, "good.pem", "no certificate", true);
    certificate_set_unref(set);
    assert_string_equal(chosen(next, NULL, "good.example"), "good.pem");
    assert_int_equal(unlink(path_of("good.pem")), 0);
    set = read_set(next);
    certificate_set_unref(next);
    assert_int_equal(certificate_set_count(set), 0);
    certificate_set_unref(set);
    free(one_pem);
    free(other_pem);
    fake_certificate_done(&one);
    fake_certificate_done(&other);
}

static void a_missing_directory_is_an_empty_one(void **state)
{
    (void)state;
    const struct certificate_set *set = NULL;
    struct note note = {0};
    assert_int_equal(certificate_set_read("/nonexistent/tls", NULL, &set, &note), OK);
    assert_int_equal(certificate_set_count(set), 0);
    assert_non_null(strstr(note.text, "No such file"));
    assert_int_equal(certificate_set_choose(set, &(struct certificate_wish){.fqdn = "a"}), 0);
    assert_int_equal(certificate_set_choose(NULL, &(struct certificate_wish){.fqdn = "a"}), 0);
    certificate_set_unref(set);
}

static void the_stamp_sees_every_change(void **state)
{
    (void)state;
    uint64_t stamps[6];
    stamps[0] = certificate_directory_stamp(folder);
    write_text("a.pem", "1");
    stamps[1] = certificate_directory_stamp(folder);
    write_text("a.pem", "12");
    stamps[2] = certificate_directory_stamp(folder);
    assert_int_equal(rename(path_of("a.pem"), "/tmp/dr-certificate-stamp"), 0);
    stamps[3] = certificate_directory_stamp(folder);
    assert_int_equal(rename("/tmp/dr-certificate-stamp", path_of("b.pem")), 0);
    stamps[4] = certificate_directory_stamp(folder);
    stamps[5] = certificate_directory_stamp("/nonexistent/tls");
    assert_int_equal(stamps[4], certificate_directory_stamp(folder));
    assert_int_equal(stamps[0], stamps[3]);
    stamps[3] = 0;
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = i + 1; j < 6; j++) {
            assert_int_not_equal(stamps[i], stamps[j]);
        }
    }
    write_text("ignored.txt", "x");
    assert_int_equal(stamps[4], certificate_directory_stamp(folder));
}

/* Made once a certificate and kept; a set that was replaced may go at once. */
static void contexts_are_made_when_asked_for(void **state)
{
    (void)state;
    struct tls_ticket_keys *keys = tls_ticket_keys_new(&clock_system);
    struct tls_context *context = NULL, *again = NULL;
    struct note note = {0};
    write_certificate("good.pem", (struct fake_certificate){.name = "good.example"});
    const struct certificate_set *set = read_set(NULL);
    struct certificate_contexts *contexts = certificate_contexts_new(set, TLS_PROFILE_MODERN, keys);
    struct certificate_wish good = {.fqdn = "good.example"}, bad = {.fqdn = "bad.example"};
    certificate_set_unref(set);
    assert_true(certificate_contexts_has(contexts, &good));
    assert_false(certificate_contexts_has(contexts, &bad));
    assert_false(certificate_contexts_has(NULL, &good));
    assert_int_equal(certificate_contexts_find(contexts, &bad, &context, &note), ERROR_NOT_FOUND);
    assert_int_equal(certificate_contexts_find(contexts, &good, &context, &note), OK);
    assert_int_equal(certificate_contexts_find(contexts, &good, &again, &note), OK);
    assert_ptr_equal(context, again);
    certificate_contexts_free(contexts);
    tls_ticket_keys_free(keys);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    return clean(state) != 0 || rmdir(folder) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_name_decides_then_the_issuer_then_the_age, clean),
        cmocka_unit_test_setup(a_certificate_name_is_issuer_and_subject, clean),
        cmocka_unit_test_setup(an_unreadable_file_is_named_and_the_others_serve, clean),
        cmocka_unit_test_setup(a_missing_directory_is_an_empty_one, clean),
        cmocka_unit_test_setup(the_stamp_sees_every_change, clean),
        cmocka_unit_test_setup(contexts_are_made_when_asked_for, clean),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
