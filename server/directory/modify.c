#include "directory/modify.h"

#include "directory/berval.h"
#include "directory/result_code.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_DEADLINE_MS 10000
#define SCRATCH_MAX         (16u << 20)

struct modify_run {
    struct list link; /* of the connection's modifications, or of the ended ones */
    struct connection *connection;
    struct directory_modification *modification;
    struct request request;
    struct arena arena; /* of the changes as libldap wants them */
    enum error error;
    char why[256];
};

/* Takes the run out of everything; on_done comes on the next turn. */
static void end(struct modify_run *run, enum error error, const char *why)
{
    run->error = error;
    snprintf(run->why, sizeof run->why, "%s", why);
    exchange_cancel(&run->connection->exchange, &run->request);
    list_remove(&run->link);
    list_append(&run->connection->ended_modifications, &run->link);
    exchange_wake(&run->connection->exchange);
}

static void tell(struct modify_run *run)
{
    struct directory_modification *modification = run->modification;
    enum error error = run->error;
    char why[sizeof run->why];
    memcpy(why, run->why, sizeof why);
    list_remove(&run->link);
    arena_done(&run->arena);
    free(run);
    modification->state = NULL;
    modification->on_done(modification, error, why);
}

void modify_tell_ended(struct connection *connection)
{
    struct list due;
    list_init(&due);
    struct list *link;
    while ((link = list_first(&connection->ended_modifications))) {
        list_remove(link);
        list_append(&due, link);
    }
    while ((link = list_first(&due)))
        tell(list_entry(link, struct modify_run, link));
}

void modify_cancel_all(struct connection *connection)
{
    struct list *link;
    while ((link = list_first(&connection->modifications)))
        end(list_entry(link, struct modify_run, link), ERROR_CANCELED, "closed");
}

static void on_message(struct request *request, LDAP *ldap, LDAPMessage *message)
{
    (void)request;
    (void)ldap;
    (void)message; /* none comes before the result */
}

static void on_result(struct request *request, LDAP *ldap, LDAPMessage *message)
{
    struct modify_run *run = list_entry(request, struct modify_run, request);
    int code = LDAP_OTHER;
    char *text = NULL, why[256];
    ldap_parse_result(ldap, message, &code, NULL, &text, NULL, NULL, 0);
    snprintf(why, sizeof why, "%s%s%s", ldap_err2string(code), text && *text ? ": " : "", text ? text : "");
    ldap_memfree(text);
    end(run, result_code_error(code), why);
}

static void on_fail(struct request *request, enum error error, const char *why)
{
    end(list_entry(request, struct modify_run, request), error, why);
}

/* NULL without memory. */
static LDAPMod *make_change(struct arena *arena, const struct directory_edit *edit)
{
    static const int kinds[] = {
        [EDIT_ADD] = LDAP_MOD_ADD, [EDIT_DELETE] = LDAP_MOD_DELETE, [EDIT_REPLACE] = LDAP_MOD_REPLACE};
    LDAPMod *change = arena_alloc(arena, sizeof *change);
    struct berval *values = arena_array(arena, edit->value_count + 1, sizeof *values);
    struct berval **pointers = arena_array(arena, edit->value_count + 1, sizeof *pointers);
    if (!change || !values || !pointers)
        return NULL;
    for (size_t i = 0; i < edit->value_count; i++) {
        values[i] = berval_of_bytes(edit->values[i]);
        pointers[i] = &values[i];
    }
    change->mod_op = kinds[edit->kind] | LDAP_MOD_BVALUES;
    change->mod_type = (char *)(uintptr_t)edit->attribute;
    change->mod_bvalues = edit->value_count > 0 ? pointers : NULL;
    return change;
}

static bool make_changes(struct modify_run *run)
{
    const struct directory_modification *modification = run->modification;
    LDAPMod **changes = arena_array(&run->arena, modification->edit_count + 1, sizeof *changes);
    for (size_t i = 0; changes && i < modification->edit_count; i++) {
        changes[i] = make_change(&run->arena, &modification->edits[i]);
        if (!changes[i])
            return false;
    }
    run->request.changes = changes;
    return changes != NULL;
}

/* Critical: without it AD would take owner, group and SACL for part of what is written. */
static void add_control(struct modify_run *run)
{
    const struct flavor *flavor = flavor_row(run->connection->info.flavor);
    if (!flavor_needs_control(flavor, run->modification->edits, run->modification->edit_count))
        return;
    run->request.controls[run->request.control_count++] = (LDAPControl){
        (char *)(uintptr_t)flavor->control_oid, berval_of_bytes(flavor->modify_control_value), 1};
}

void modify_start(struct directory *directory, struct directory_modification *modification)
{
    struct connection *connection = (struct connection *)(void *)directory;
    struct modify_run *run = calloc(1, sizeof *run);
    if (!run)
        abort(); /* a few hundred bytes: without them nothing else goes on either */
    uint64_t delay = modification->deadline_ms ? modification->deadline_ms : DEFAULT_DEADLINE_MS;
    arena_init(&run->arena, SCRATCH_MAX);
    run->connection = connection;
    run->modification = modification;
    run->request = (struct request){
        .base = modification->dn,
        .change = modification->change,
        .deadline_ms = loop_now_ms(directory->loop) + delay,
        .on_message = on_message,
        .on_result = on_result,
        .on_fail = on_fail,
    };
    modification->directory = directory;
    modification->state = run;
    list_append(&connection->modifications, &run->link);
    add_control(run);
    if (make_changes(run))
        exchange_send(&connection->exchange, &run->request);
    else
        end(run, ERROR_TEMPORARY, "no memory");
}
