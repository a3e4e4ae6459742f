/* fakes: organization */
#include "daemon/endpoints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fakes/fake_organization.h"

#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>

static struct ip_endpoint endpoint_of(const char *text)
{
    struct ip_endpoint endpoint;
    assert_int_equal(ip_parse_endpoint(bytes_of_text(text), &endpoint), OK);
    return endpoint;
}

/* All of the set, blank separated, in its order. */
static void assert_set(const struct endpoint_set *set, const char *expected)
{
    char text[1024] = "", one[IP_ENDPOINT_TEXT_SIZE];
    for (size_t i = 0; i < set->count; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%s", i ? " " : "",
                 ip_format_endpoint(&set->items[i], one));
    }
    assert_string_equal(text, expected);
}

/* Two connectors on one port are one socket; a refused connector answers 421, a disabled one nothing. */
/* proves: C8 C9 C11 C51 */
static void test_the_set_of_an_organization(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .is_unchecked = true,
        .receive = (struct fake_receive[]){{"Default", .bindings = "0.0.0.0:25 [::]:25"},
                                           {"Relay", .bindings = "0.0.0.0:25 10.0.0.1:587"},
                                           {"Hub", .bindings = "0.0.0.0:2525"},
                                           {"Refused", .bindings = "0.0.0.0:26", .refused = "a bad value"},
                                           {"Off", .bindings = "0.0.0.0:27", .is_disabled = true},
                                           {0}}});
    struct endpoint_set *set = endpoint_set_of(organization);
    assert_non_null(set);
    assert_set(set, "0.0.0.0:25 0.0.0.0:26 0.0.0.0:2525 10.0.0.1:587 [::]:25");
    struct ip_endpoint asked = endpoint_of("10.0.0.1:587");
    assert_true(endpoint_set_has(set, &asked));
    asked = endpoint_of("10.0.0.1:25"); /* covered by a wildcard is not the same */
    assert_false(endpoint_set_has(set, &asked));
    endpoint_set_remove(set, 4);
    endpoint_set_remove(set, 0);
    assert_set(set, "0.0.0.0:26 0.0.0.0:2525 10.0.0.1:587");
    free(set);
    organization_unref(organization);
}

static void test_an_organization_without_connectors(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){0});
    struct endpoint_set *set = endpoint_set_of(organization);
    struct ip_endpoint asked = endpoint_of("10.0.0.1:25");
    assert_int_equal(set->count, 0);
    assert_false(endpoint_set_has(set, &asked));
    assert_false(endpoint_set_has(NULL, &asked));
    free(set);
    organization_unref(organization);
}

/* A listener as another daemon of the same user has it; its port. */
static int listen_shared(uint16_t *out_port)
{
    int on = 1, descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(descriptor, 1), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &size), 0);
    *out_port = ntohs(address.sin_port);
    return descriptor;
}

/* proves: R11 */
static void test_another_process_on_the_port_is_seen(void **state)
{
    (void)state;
    struct note note = {""};
    struct ip_endpoint endpoint = endpoint_of("127.0.0.1:1");
    int descriptor = listen_shared(&endpoint.port);
    assert_int_equal(endpoint_probe(&endpoint, NULL, &note), ERROR_TEMPORARY);
    assert_non_null(strstr(note.text, "Address already in use"));
    struct ip_endpoint wildcard = endpoint_of("0.0.0.0:1");
    wildcard.port = endpoint.port;
    assert_int_equal(endpoint_probe(&wildcard, NULL, &note), ERROR_TEMPORARY);

    /* Our own socket there stands in the way of the question, not of listening. */
    struct endpoint_set *ours = malloc(sizeof *ours + sizeof ours->items[0]);
    ours->count = 1;
    ours->items[0] = endpoint;
    assert_int_equal(endpoint_probe(&endpoint, ours, &note), OK);
    assert_int_equal(endpoint_probe(&wildcard, ours, &note), OK);
    ours->items[0].port ^= 1;
    assert_int_equal(endpoint_probe(&endpoint, ours, &note), ERROR_TEMPORARY);
    free(ours);

    close(descriptor);
    assert_int_equal(endpoint_probe(&endpoint, NULL, &note), OK);
}

/* proves: C49 */
static void test_an_address_that_is_not_here(void **state)
{
    (void)state;
    struct note note = {""};
    struct ip_endpoint endpoint = endpoint_of("192.0.2.1:2525");
    assert_int_equal(endpoint_probe(&endpoint, NULL, &note), ERROR_IO);
    assert_non_null(strstr(note.text, "192.0.2.1:2525: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_set_of_an_organization),
        cmocka_unit_test(test_an_organization_without_connectors),
        cmocka_unit_test(test_another_process_on_the_port_is_seen),
        cmocka_unit_test(test_an_address_that_is_not_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
