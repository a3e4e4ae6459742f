/* Finding connectors, and references. */
/* fakes: organization */
#include "fakes/fake_organization.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct organization *make(void)
{
    return fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){{.name = "Anonymous Relay"},
                                           {"Default Frontend MX1", .ranges = "0.0.0.0/0"},
                                           {"off", .is_disabled = true},
                                           {0}}});
}

/* proves: facts-1.1 */
static void test_by_name(void **state)
{
    (void)state;
    struct organization *organization = make();
    const struct receive_connector *relay = &organization->receive[0];
    assert_ptr_equal(organization_receive_by_name(organization, BYTES_LITERAL("anonymous relay")), relay);
    assert_ptr_equal(organization_receive_by_name(organization, BYTES_LITERAL("mx1\\ANONYMOUS RELAY")),
                     relay);
    assert_null(organization_receive_by_name(organization, BYTES_LITERAL("MX2\\Anonymous Relay")));
    assert_null(organization_receive_by_name(organization, BYTES_LITERAL("Anonymous")));
    assert_null(organization_receive_by_name(organization, BYTES_LITERAL("")));
    organization_unref(organization);
}

static void test_by_id(void **state)
{
    (void)state;
    struct organization *organization = make();
    for (size_t i = 0; i < organization->receive_count; i++) {
        const struct receive_connector *connector = &organization->receive[i];
        assert_ptr_equal(organization_receive_by_id(organization, &connector->id), connector);
    }
    assert_null(organization_receive_by_id(organization, &(struct guid){{9}}));
    organization_unref(organization);

    organization = organization_new();
    assert_non_null(organization);
    assert_null(organization_receive_by_id(organization, &(struct guid){{9}}));
    organization_unref(organization);
}

static void test_references(void **state)
{
    (void)state;
    struct organization *organization = make();
    const struct organization *second = organization_ref(organization);
    organization_unref(organization);
    assert_string_equal(second->receive[0].display, "MX1\\Anonymous Relay");
    organization_unref(second); /* the sanitizer tells when this was not the last one */
    organization_unref(NULL);
}

/* A conflict refuses the younger one, and it keeps its place. */
/* proves: contract-3 */
static void test_conflict_in_a_whole_organization(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){{"young", .ranges = "10.0.0.5-10.0.0.14", .created = 2},
                                           {"old", .ranges = "10.0.0.0-10.0.0.9", .created = 1},
                                           {0}}});
    assert_non_null(fake_organization_receive(organization, "young")->refused);
    assert_null(fake_organization_receive(organization, "old")->refused);
    assert_string_equal(fake_organization_match(organization, "10.9.9.9:25", "10.0.0.7")->name, "old");
    assert_string_equal(fake_organization_match(organization, "10.9.9.9:25", "10.0.0.12")->name, "young");
    organization_unref(organization);
}

/* Without room in the arena it is an error, never half an index, and nothing leaks. */
static void test_no_room(void **state)
{
    (void)state;
    bool is_done = false;
    for (size_t room = 0; !is_done; room += 16) {
        struct organization *organization = make();
        organization->connectors = NULL;
        organization->domain_index = NULL;
        organization->arena.ceiling_bytes = organization->arena.used_bytes + room;
        enum error error = organization_finish(organization);
        assert_true(error == OK || error == ERROR_LIMIT);
        is_done = error == OK;
        assert_int_equal(is_done, organization->connectors != NULL && organization->domain_index != NULL);
        organization_unref(organization);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_name),
        cmocka_unit_test(test_by_id),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_conflict_in_a_whole_organization),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
