#include "cli/explain_report.h"

#include "cli/explain_route.h"
#include "organization/connector_match.h"
#include "policy/gateway.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* -- collecting, as JSON; the text is printed from the same object -- */

static void on_candidate(const struct receive_connector *connector, bool is_chosen, const char *why,
                         void *owner)
{
    (void)is_chosen;
    json_array_append_new(owner, json_pack("{s:s,s:s}", "connector", connector->display, "why", why));
}

static void on_step(void *owner, const struct simulation_step *step)
{
    json_t *object = json_pack("{s:s,s:s,s:s?}", "sent", step->sent ? step->sent : "", "reply", step->reply,
                               "why", step->why);
    if (step->right) {
        json_object_set_new(object, "right", json_string(step->right));
        json_object_set_new(object, "ace", json_string(step->ace));
    }
    if (step->send_as)
        json_object_set_new(object, "send_as", json_string(step->send_as));
    json_array_append_new(owner, object);
}

static const char *source_name(enum account_sid_source source)
{
    switch (source) {
    case ACCOUNT_SID_SELF:
        return "self";
    case ACCOUNT_SID_HISTORY:
        return "history";
    case ACCOUNT_SID_PRIMARY_GROUP:
        return "primary group";
    case ACCOUNT_SID_GROUP:
        return "group";
    case ACCOUNT_SID_TOKEN_GROUPS:
        return "tokenGroups";
    case ACCOUNT_SID_WELL_KNOWN:
        return "well-known";
    }
    return "";
}

static json_t *rights_json(const struct session_rights *rights)
{
    json_t *array = json_array();
    for (enum right right = 0; right < RIGHT_COUNT; right++) {
        bool is_withheld = (rights->withheld & RIGHT_BIT(right)) != 0;
        const struct ace_origin *origin =
            access_list_origin(&rights->connector->access, &rights->result, right);
        const char *ace = origin ? origin->text : NULL;
        json_array_append_new(array,
                              json_pack("{s:s,s:b,s:s?,s:s?}", "right", right_name(right), "granted",
                                        session_rights_has(rights, right), "ace",
                                        is_withheld ? session_rights_why(rights, right) : ace, "from",
                                        origin ? (origin->group ? origin->group : origin->from) : NULL));
    }
    return array;
}

/* By which groups, the nearest to the account first. */
static json_t *path_json(const struct account *account, size_t index)
{
    json_t *path = json_array();
    for (size_t via = account->sids[index].via; via < account->sid_count; via = account->sids[via].via)
        json_array_insert_new(path, 0, json_string(account->sids[via].name));
    return path;
}

static const char *name_of(const struct account *account, const struct account_sid *sid)
{
    return sid->source == ACCOUNT_SID_SELF ? account->dn : sid->name;
}

static json_t *account_token_json(const struct account *account)
{
    json_t *array = json_array();
    for (size_t i = 0; i < account->sid_count; i++) {
        char text[SID_TEXT_SIZE];
        const struct account_sid *sid = &account->sids[i];
        json_array_append_new(array, json_pack("{s:s,s:s?,s:s,s:o}", "sid", sid_format(&sid->sid, text),
                                               "name", name_of(account, sid), "source",
                                               source_name(sid->source), "path", path_json(account, i)));
    }
    return array;
}

static json_t *token_json(enum identity identity)
{
    char text[SID_TEXT_SIZE];
    json_t *entry = json_pack("{s:s,s:s,s:[]}", "sid", sid_format(sid_known(identity_sid(identity)), text),
                              "name", identity_name(identity), "path");
    return json_pack("[o]", entry);
}

static json_t *collect(const struct organization *organization, struct simulation_request request)
{
    const struct receive_connector *connector =
        connector_match(organization, &request.local, &request.client.address);
    json_t *candidates = json_array(), *dialogue = json_array();
    connector_match_explain(organization, &request.local, &request.client.address, on_candidate, candidates);
    request.on_step = on_step;
    request.owner = dialogue;
    json_t *report = json_pack("{s:s?,s:o,s:o}", "connector", connector ? connector->display : NULL,
                               "candidates", candidates, "dialogue", dialogue);
    if (connector) {
        struct session_rights rights;
        enum identity identity = receive_connector_identity(connector);
        const struct account *account = request.loaded.account;
        session_rights_compute(connector, account ? IDENTITY_ACCOUNT : identity,
                               account ? account->token : NULL, &rights);
        gateway_withhold(request.machine, &request.client.address, &rights);
        json_object_set_new(report, "identity", json_string(account ? account->dn : identity_name(identity)));
        json_object_set_new(report, "token", account ? account_token_json(account) : token_json(identity));
        json_object_set_new(report, "rights", rights_json(&rights));
        json_object_set_new(report, "refused",
                            connector->refused ? json_string(connector->refused) : json_null());
        json_object_set_new(report, "grants_nothing",
                            connector->grants_nothing ? json_string(connector->grants_nothing_why)
                                                      : json_null());
    }
    json_object_set_new(report, "route", explain_route_json(organization, &request));
    if (simulation_run(organization, &request)) {
        json_decref(report);
        return NULL;
    }
    return report;
}

/* -- printing -- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static void print_rights(FILE *out, const json_t *report)
{
    size_t index;
    json_t *right;
    json_array_foreach(json_object_get(report, "rights"), index, right)
    {
        bool is_granted = json_is_true(json_object_get(right, "granted"));
        const char *ace = text_of(right, "ace");
        if (is_granted || ace[0])
            fprintf(out, "  %s %-46s %s (%s)\n", is_granted ? "yes" : "no ", text_of(right, "right"), ace,
                    text_of(right, "from"));
    }
    fputs("  every other right: no, no ACE speaks of it\n", out);
}

static void print_token(FILE *out, const json_t *report)
{
    size_t index, step;
    json_t *sid, *group;
    json_array_foreach(json_object_get(report, "token"), index, sid)
    {
        fprintf(out, "  %s %s", text_of(sid, "sid"), text_of(sid, "name"));
        json_array_foreach(json_object_get(sid, "path"), step, group)
            fprintf(out, "%s%s", step ? " > " : " by ", json_string_value(group));
        fputc('\n', out);
    }
}

/* Every line of what one side says; the last one is not ended. */
static void print_said(FILE *out, const char *who, const char *text)
{
    struct bytes rest = bytes_of_text(text), line;
    for (bool is_first = true; bytes_next(&rest, '\n', &line); is_first = false) {
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        fprintf(out, "%s  %s: %.*s", is_first ? "" : "\n", who, BYTES_ARG(line));
    }
}

static void print_dialogue(FILE *out, const json_t *report)
{
    size_t index;
    json_t *step;
    json_array_foreach(json_object_get(report, "dialogue"), index, step)
    {
        if (text_of(step, "sent")[0]) {
            print_said(out, "C", text_of(step, "sent"));
            fputc('\n', out);
        }
        print_said(out, "S", text_of(step, "reply"));
        if (text_of(step, "why")[0])
            fprintf(out, "   <- %s", text_of(step, "why"));
        if (text_of(step, "right")[0])
            fprintf(out, ": %s: %s", text_of(step, "right"), text_of(step, "ace"));
        if (text_of(step, "send_as")[0])
            fprintf(out, "\n      Send-As: %s", text_of(step, "send_as"));
        fputc('\n', out);
    }
}

static void print_text(FILE *out, const json_t *report)
{
    size_t index;
    json_t *candidate;
    fprintf(out, "connector: %s\n", text_of(report, "connector")[0] ? text_of(report, "connector") : "none");
    if (text_of(report, "refused")[0])
        fprintf(out, "  refused: %s\n", text_of(report, "refused"));
    if (text_of(report, "grants_nothing")[0])
        fprintf(out, "  grants nothing: %s\n", text_of(report, "grants_nothing"));
    json_array_foreach(json_object_get(report, "candidates"), index, candidate)
        fprintf(out, "  %s: %s\n", text_of(candidate, "connector"), text_of(candidate, "why"));
    if (text_of(report, "connector")[0]) {
        fprintf(out, "identity: %s\ntoken:\n", text_of(report, "identity"));
        print_token(out, report);
        fputs("rights:\n", out);
        print_rights(out, report);
    }
    fputs("dialogue:\n", out);
    print_dialogue(out, report);
    explain_route_print(out, json_object_get(report, "route"));
}

static bool is_all_taken(const json_t *report)
{
    size_t index;
    json_t *step;
    json_array_foreach(json_object_get(report, "dialogue"), index, step)
    {
        if (text_of(step, "reply")[0] >= '4')
            return false;
    }
    return true;
}

int explain_report(struct command_context *context, const struct organization *organization,
                   const struct simulation_request *request)
{
    json_t *report = collect(organization, *request);
    if (!report)
        return command_fail(context, EXIT_UNREACHABLE, "explain: no memory");
    if (context->json) {
        json_dumpf(report, context->out, JSON_INDENT(1));
        fputc('\n', context->out);
    } else {
        print_text(context->out, report);
    }
    int code = is_all_taken(report) ? EXIT_DONE : EXIT_NEGATIVE;
    json_decref(report);
    return code;
}
