/* fakes: directory */
#include "fakes/fake_directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What callbacks said, as one text: "+dn" an entry, "-" a deletion, "." current, "!" lost, "=ok" the end of a
 * search. */
struct diary {
    struct directory_watch watch;
    struct directory_search search;
    char text[1024];
    struct directory *directory;
    bool stops_at_entry;
};

static void note_down(struct diary *diary, const char *mark, const char *text)
{
    size_t len = strlen(diary->text);
    snprintf(diary->text + len, sizeof diary->text - len, "%s%s ", mark, text);
}

static void on_entry(struct directory_watch *watch, struct entry *entry)
{
    struct diary *diary = list_entry(watch, struct diary, watch);
    note_down(diary, "+", entry->dn);
    entry_free(entry);
    if (diary->stops_at_entry)
        diary->directory->ops->watch_stop(watch);
}

static void on_delete(struct directory_watch *watch, const uint8_t id[16])
{
    (void)id;
    note_down(list_entry(watch, struct diary, watch), "-", "");
}

static void on_current(struct directory_watch *watch)
{
    note_down(list_entry(watch, struct diary, watch), ".", "");
}

static void on_lost(struct directory_watch *watch, enum error error, const char *why)
{
    (void)error;
    note_down(list_entry(watch, struct diary, watch), "!", why);
}

static void on_found(struct directory_search *search, struct entry *entry)
{
    struct diary *diary = list_entry(search, struct diary, search);
    note_down(diary, "+", entry->dn);
    entry_free(entry);
    if (diary->stops_at_entry)
        diary->directory->ops->search_cancel(search);
}

static void on_done(struct directory_search *search, enum error error)
{
    note_down(list_entry(search, struct diary, search), "=", error_name(error));
}

static struct diary diary_of(struct fake_directory *fake)
{
    struct diary diary = {.directory = fake_directory_face(fake)};
    diary.watch = (struct directory_watch){.base = "dc=x",
                                           .filter = "(objectClass=*)",
                                           .on_entry = on_entry,
                                           .on_delete = on_delete,
                                           .on_current = on_current,
                                           .on_lost = on_lost};
    diary.search = (struct directory_search){
        .base = "dc=x", .scope = SCOPE_SUBTREE, .on_entry = on_found, .on_done = on_done};
    return diary;
}

static void assert_said(struct diary *diary, const char *text)
{
    assert_string_equal(diary->text, text);
    diary->text[0] = '\0';
}

static const char tree[] = "dn: dc=x\nobjectClass: domain\n\ndn: cn=a,dc=x\nobjectClass: person\ncn: a\n\n"
                           "dn: cn=b,dc=x\nobjectClass: person\ncn: b\n";

static void a_watch_hears_every_change_once(void **state)
{
    (void)state;
    struct fake_directory *fake = fake_directory_new(NULL);
    fake_directory_put(fake, tree);
    struct diary diary = diary_of(fake);
    diary.directory->ops->watch_start(diary.directory, &diary.watch);
    assert_said(&diary, "");
    fake_directory_deliver(fake);
    assert_said(&diary, "+dc=x +cn=a,dc=x +cn=b,dc=x . ");
    fake_directory_put(fake, "dn: CN=A,dc=x\nobjectClass: person\ncn: A\nmail: a@x\n");
    fake_directory_delete(fake, "cn=B, dc=x");
    fake_directory_deliver(fake);
    assert_said(&diary, "+CN=A,dc=x - . ");
    fake_directory_down(fake, "gone");
    fake_directory_delete(fake, "cn=a,dc=x");
    fake_directory_deliver(fake);
    assert_said(&diary, "!gone ");
    fake_directory_up(fake);
    fake_directory_deliver(fake);
    assert_said(&diary, "- . ");
    diary.directory->ops->watch_stop(&diary.watch);
    fake_directory_clear(fake);
    fake_directory_deliver(fake);
    assert_said(&diary, "");
    fake_directory_free(fake);
}

static void a_watch_may_stop_itself(void **state)
{
    (void)state;
    struct fake_directory *fake = fake_directory_new(NULL);
    fake_directory_put(fake, tree);
    struct diary diary = diary_of(fake);
    diary.stops_at_entry = true;
    diary.directory->ops->watch_start(diary.directory, &diary.watch);
    fake_directory_deliver(fake);
    assert_said(&diary, "+dc=x ");
    fake_directory_free(fake);
}

static void searches_answer_once(void **state)
{
    (void)state;
    struct fake_directory *fake = fake_directory_new(NULL);
    fake_directory_put(fake, tree);
    struct diary diary = diary_of(fake);
    diary.search.filter = "(cn=b)";
    diary.directory->ops->search(diary.directory, &diary.search);
    assert_said(&diary, "");
    fake_directory_deliver(fake);
    assert_said(&diary, "+cn=b,dc=x =ok ");
    diary.search.filter = NULL;
    diary.search.scope = SCOPE_ONE;
    diary.directory->ops->search(diary.directory, &diary.search);
    fake_directory_deliver(fake);
    assert_said(&diary, "+cn=a,dc=x +cn=b,dc=x =ok ");
    diary.stops_at_entry = true;
    diary.directory->ops->search(diary.directory, &diary.search);
    fake_directory_deliver(fake);
    char canceled[64];
    snprintf(canceled, sizeof canceled, "+cn=a,dc=x =%s ", error_name(ERROR_CANCELED));
    assert_said(&diary, canceled);
    diary.search.base = "cn=none,dc=x";
    diary.directory->ops->search(diary.directory, &diary.search);
    fake_directory_deliver(fake);
    snprintf(canceled, sizeof canceled, "=%s ", error_name(ERROR_NOT_FOUND));
    assert_said(&diary, canceled);
    fake_directory_down(fake, "gone");
    diary.directory->ops->search(diary.directory, &diary.search);
    fake_directory_deliver(fake);
    snprintf(canceled, sizeof canceled, "=%s ", error_name(ERROR_TEMPORARY));
    assert_said(&diary, canceled);
    fake_directory_free(fake);
}

static void closing_ends_what_is_open(void **state)
{
    (void)state;
    struct fake_directory *fake = fake_directory_new(NULL);
    fake_directory_put(fake, tree);
    struct diary diary = diary_of(fake);
    diary.directory->ops->watch_start(diary.directory, &diary.watch);
    diary.directory->ops->search(diary.directory, &diary.search);
    fake_directory_free(fake);
    char canceled[64];
    snprintf(canceled, sizeof canceled, "=%s ", error_name(ERROR_CANCELED));
    assert_said(&diary, canceled);
}

static void the_info_names_the_tops(void **state)
{
    (void)state;
    struct fake_directory *fake = fake_directory_new(NULL);
    fake_directory_put(fake, tree);
    fake_directory_put(fake, "dn:\nconfigurationNamingContext: CN=Configuration,dc=x\n");
    fake_directory_deliver(fake);
    struct directory *directory = fake_directory_face(fake);
    const struct directory_info *info = directory->ops->info(directory);
    assert_int_equal(info->naming_context_count, 1);
    assert_string_equal(info->default_context, "dc=x");
    assert_string_equal(info->configuration_context, "CN=Configuration,dc=x");
    fake_directory_free(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_hears_every_change_once),
        cmocka_unit_test(a_watch_may_stop_itself),
        cmocka_unit_test(searches_answer_once),
        cmocka_unit_test(closing_ends_what_is_open),
        cmocka_unit_test(the_info_names_the_tops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
