/* fakes: directory */
/* The keeper over a directory in memory, on a real loop that is turned until something happened. */
#include "unit/source/fixture.h"

#include "fakes/fake_directory.h"
#include "source/keeper.h"
#include "source/organization_file.h"

#include <sys/stat.h>
#include <unistd.h>

#define SAMPLE                                                                                               \
    CONTAINER("dc=contoso,dc=com")                                                                           \
    CONTAINER("CN=Configuration,dc=contoso,dc=com")                                                          \
    CONTAINER("CN=Services,CN=Configuration,dc=contoso,dc=com") TREE SERVER RECEIVE("A", BASICS)

struct scene {
    struct loop *loop;
    struct fake_directory *fake;
    struct keeper *keeper;
    struct keeper_config config;
    const struct organization *organization; /* the last one published */
    unsigned published;
    unsigned failed;
    char why[256];
    struct loop_timer step;
    void (*next)(struct scene *scene);
    bool is_over;
    char state_dir[64];
};

/* Ends the loop's run when the step asked for has happened, or fails the test after five seconds. */
static void on_step(struct loop_timer *timer)
{
    struct scene *scene = list_entry(timer, struct scene, step);
    void (*next)(struct scene *) = scene->next;
    scene->next = NULL;
    if (next) {
        next(scene);
        return;
    }
    fail_msg("nothing happened");
}

static void then(struct scene *scene, uint64_t delay_ms, void (*next)(struct scene *))
{
    scene->next = next;
    loop_timer_start(&scene->step, delay_ms);
}

static void give_up_after_a_while(struct scene *scene)
{
    scene->next = NULL;
    loop_timer_start(&scene->step, 5000);
}

static void finish(struct scene *scene)
{
    keeper_stop(scene->keeper);
    scene->keeper = NULL;
    loop_timer_stop(&scene->step);
    fake_directory_free(scene->fake);
    loop_end(scene->loop);
    scene->is_over = true;
}

static void (*on_event)(struct scene *scene);

static void on_publish(void *owner, const struct organization *organization)
{
    struct scene *scene = owner;
    organization_unref(scene->organization);
    scene->organization = organization_ref(organization);
    scene->published++;
    then(scene, 0, on_event);
}

static void on_failure(void *owner, enum error error, const char *why)
{
    struct scene *scene = owner;
    assert_int_equal(error, ERROR_NOT_FOUND);
    (void)snprintf(scene->why, sizeof(scene->why), "%s", why);
    scene->failed++;
    then(scene, 0, on_event);
}

static void scene_init(struct scene *scene, const char *ldif, void (*event)(struct scene *))
{
    *scene = (struct scene){.loop = loop_new("test", NULL), .state_dir = "/tmp/dr-keeper-XXXXXX"};
    assert_non_null(scene->loop);
    assert_non_null(mkdtemp(scene->state_dir));
    scene->fake = fake_directory_new(scene->loop);
    fake_directory_put(scene->fake, ldif);
    on_event = event;
    loop_timer_init(&scene->step, scene->loop, on_step);
    scene->config = (struct keeper_config){
        .directory = fake_directory_face(scene->fake),
        .server_name = "MX",
        .host_fqdn = "host.example",
        .state_dir = scene->state_dir,
        .clock = &clock_system,
        .restore_ms = 50,
        .on_publish = on_publish,
        .on_failure = on_failure,
        .owner = scene,
    };
}

static void scene_start(struct scene *scene)
{
    struct note note = {0};
    assert_int_equal(keeper_start(&scene->config, &scene->keeper, &note), OK);
}

static void scene_run(struct scene *scene)
{
    scene_start(scene);
    give_up_after_a_while(scene);
    loop_run(scene->loop);
    assert_true(scene->is_over);
}

static void scene_done(struct scene *scene)
{
    char path[128];
    organization_unref(scene->organization);
    loop_free(scene->loop);
    (void)snprintf(path, sizeof(path), "%s/organization.ldif", scene->state_dir);
    (void)unlink(path);
    assert_int_equal(rmdir(scene->state_dir), 0);
}

static uint32_t rights_of_a(const struct scene *scene)
{
    const struct receive_connector *a = organization_receive_by_name(scene->organization, BYTES_LITERAL("A"));
    assert_non_null(a);
    return anonymous_rights(a);
}

static void first_event(struct scene *scene)
{
    struct keeper_status status;
    keeper_status(scene->keeper, &status);
    assert_true(status.is_directory_up);
    assert_false(status.is_from_disk);
    assert_int_equal(scene->published, 1);
    assert_int_equal(scene->organization->generation, 1);
    finish(scene);
}

/* The configuration is found by itself, and what was loaded is on disk for the owner alone. */
static void test_loads_and_saves(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, SAMPLE, first_event);
    scene_run(&scene);
    char path[128];
    struct stat info;
    (void)snprintf(path, sizeof(path), "%s/organization.ldif", scene.state_dir);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    scene_done(&scene);
}

static void change_event(struct scene *scene)
{
    if (scene->published == 1) {
        assert_true(rights_of_a(scene) & RIGHT_BIT(RIGHT_SMTP_SUBMIT));
        /* Several changes at once make one organization. */
        fake_directory_put(scene->fake,
                           RECEIVE("A", BASICS "dirrelayAce: deny ms-Exch-SMTP-Submit to anonymous\n"));
        fake_directory_put(scene->fake, DOMAIN("contoso.com", ""));
        fake_directory_put(scene->fake, DOMAIN("fabrikam.com", ""));
        give_up_after_a_while(scene);
        return;
    }
    assert_int_equal(scene->published, 2);
    assert_false(rights_of_a(scene) & RIGHT_BIT(RIGHT_SMTP_SUBMIT));
    assert_int_equal(scene->organization->domain_count, 2);
    finish(scene);
}

/* proves: contract-3 */
static void test_a_change_is_published_once(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, SAMPLE, change_event);
    scene_run(&scene);
    scene_done(&scene);
}

static void after_loss(struct scene *scene)
{
    struct keeper_status status;
    keeper_status(scene->keeper, &status);
    assert_false(status.is_directory_up);
    assert_has_text(status.directory_why, "gone");
    assert_int_equal(scene->published, 1);
    assert_true(status.confirmed_wall_ms > 0);
    fake_directory_put(scene->fake, RECEIVE("B", BASICS));
    fake_directory_up(scene->fake);
    give_up_after_a_while(scene);
}

static void loss_event(struct scene *scene)
{
    if (scene->published == 1) {
        fake_directory_down(scene->fake, "gone");
        then(scene, 60, after_loss);
        return;
    }
    assert_int_equal(scene->organization->receive_count, 2);
    finish(scene);
}

/* proves: contract-3 */
static void test_what_is_in_force_stays_while_the_directory_is_away(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, SAMPLE, loss_event);
    scene_run(&scene);
    scene_done(&scene);
}

static void save_for(const struct scene *scene, const char *ldif)
{
    struct fixture fixture;
    struct note note = {0};
    fixture_init(&fixture, ldif);
    fixture_load(&fixture);
    assert_int_equal(organization_file_write(scene->state_dir, fixture.image, &note), OK);
    fixture_done(&fixture);
}

static void restored_event(struct scene *scene)
{
    struct keeper_status status;
    keeper_status(scene->keeper, &status);
    if (scene->published == 1) {
        assert_true(status.is_from_disk);
        assert_false(status.is_directory_up);
        assert_int_equal(scene->organization->receive_count, 1);
        assert_true(rights_of_a(scene) & RIGHT_BIT(RIGHT_SMTP_SUBMIT));
        fake_directory_up(scene->fake);
        give_up_after_a_while(scene);
        return;
    }
    assert_false(status.is_from_disk);
    assert_int_equal(scene->organization->receive_count, 2);
    /* What was good before the restart still serves beside a value that cannot be read. */
    const struct receive_connector *a = organization_receive_by_name(scene->organization, BYTES_LITERAL("A"));
    assert_null(a->refused);
    assert_int_equal(a->tarpit_s, 5);
    finish(scene);
}

/* proves: contract-3 */
static void test_the_saved_organization_serves_a_restart_without_directory(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, SAMPLE RECEIVE("B", "msExchSmtpReceiveBindings: 0.0.0.0:26\n" BASICS), restored_event);
    save_for(&scene, RECEIVE("A", BASICS));
    fake_directory_put(scene.fake, RECEIVE("A", BASICS "msExchSmtpReceiveTarpitInterval: slow\n"));
    fake_directory_down(scene.fake, "not there yet");
    scene_run(&scene);
    scene_done(&scene);
}

static void missing_event(struct scene *scene)
{
    if (scene->failed == 1 && scene->published == 0) {
        assert_has_text(scene->why, "MX");
        fake_directory_put(scene->fake, SERVER RECEIVE("A", BASICS));
        give_up_after_a_while(scene);
        return;
    }
    if (scene->failed == 1) {
        fake_directory_delete(scene->fake, SERVER_DN);
        give_up_after_a_while(scene);
        return;
    }
    /* The server object is gone: what serves goes on serving. */
    assert_int_equal(scene->published, 1);
    finish(scene);
}

static void test_no_server_object(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene,
               CONTAINER("dc=contoso,dc=com") CONTAINER("CN=Configuration,dc=contoso,dc=com")
                   CONTAINER("CN=Services,CN=Configuration,dc=contoso,dc=com") TREE,
               missing_event);
    scene_run(&scene);
    scene_done(&scene);
}

#define CHRIS      "uid=chris,dc=contoso,dc=com"
#define CHRIS_SID  "S-1-22-1-1000"
#define CHRIS_LDIF "dn: " CHRIS "\nobjectClass: posixAccount\nuid: chris\nuidNumber: "

static bool grants_to(const struct scene *scene, const char *sid_text)
{
    struct sid sid;
    struct access_result result;
    const struct receive_connector *a = organization_receive_by_name(scene->organization, BYTES_LITERAL("A"));
    assert_int_equal(sid_parse(bytes_of_text(sid_text), &sid), OK);
    struct token *token = token_new(&sid, NULL, 1);
    access_list_check(&a->access, a->grants_nothing, token, &result);
    token_unref(token);
    return (result.granted & RIGHT_BIT(RIGHT_BYPASS_ANTI_SPAM)) != 0;
}

static void trustee_event(struct scene *scene)
{
    switch (scene->published) {
    case 1:
        assert_true(grants_to(scene, "S-1-22-1-1000"));
        fake_directory_put(scene->fake, CHRIS_LDIF "2000\n\n");
        break;
    case 2: /* seen by the poll alone */
        assert_false(grants_to(scene, "S-1-22-1-1000"));
        assert_true(grants_to(scene, "S-1-22-1-2000"));
        fake_directory_delete(scene->fake, CHRIS);
        break;
    default:
        assert_false(grants_to(scene, "S-1-22-1-2000"));
        finish(scene);
        return;
    }
    give_up_after_a_while(scene);
}

/* proves: contract-3 */
static void test_trustees_are_resolved_and_looked_at_again(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, SAMPLE CHRIS_LDIF "1000\n\n", trustee_event);
    fake_directory_put(scene.fake,
                       RECEIVE("A", BASICS "dirrelayAce: allow ms-Exch-Bypass-Anti-Spam to " CHRIS "\n"));
    scene.config.poll_ms = 30;
    scene_run(&scene);
    scene_done(&scene);
}

static void refresh_event(struct scene *scene)
{
    if (scene->published == 1) {
        keeper_refresh(scene->keeper);
        give_up_after_a_while(scene);
        return;
    }
    assert_int_equal(scene->organization->generation, 2);
    finish(scene);
}

static void test_refresh(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, SAMPLE, refresh_event);
    scene_run(&scene);
    scene_done(&scene);
}

static void stop_at_once(struct scene *scene)
{
    finish(scene);
}

/* Stopping in the middle of the look-ups leaves nothing behind. */
static void test_stop_while_asking(void **state)
{
    (void)state;
    for (uint64_t delay = 0; delay < 4; delay++) {
        struct scene scene;
        scene_init(&scene, SAMPLE CHRIS_LDIF "1000\n\n", stop_at_once);
        fake_directory_put(scene.fake, RECEIVE("A", BASICS "dirrelayAce: allow * to " CHRIS "\n"));
        scene_start(&scene);
        then(&scene, delay, stop_at_once);
        loop_run(scene.loop);
        assert_true(scene.is_over);
        scene_done(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loads_and_saves),
        cmocka_unit_test(test_a_change_is_published_once),
        cmocka_unit_test(test_what_is_in_force_stays_while_the_directory_is_away),
        cmocka_unit_test(test_the_saved_organization_serves_a_restart_without_directory),
        cmocka_unit_test(test_no_server_object),
        cmocka_unit_test(test_trustees_are_resolved_and_looked_at_again),
        cmocka_unit_test(test_refresh),
        cmocka_unit_test(test_stop_while_asking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
