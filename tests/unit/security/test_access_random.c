/* The walk against the naive check of tests/lib on random descriptors and tokens: 50,000 cases, or as many as
 * DIRRELAY_ACCESS_CASES says (a million takes about a minute); DIRRELAY_ACCESS_SEED starts elsewhere. */
#include "lib/naive_access_check.h"
#include "security/access_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SID_POOL  12
#define ACE_MAX   14
#define TOKEN_MAX 8

#define PICK(table) (table)[draw(sizeof(table) / sizeof((table)[0]))]

static uint64_t random_state;

static uint32_t draw(size_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 16) % below);
}

static struct sid draw_sid(void)
{
    static const struct sid pool[SID_POOL] = {
        {1, 5, {7}},
        {1, 5, {11}},
        {1, 1, {0}},
        {1, 5, {2}},
        {1, 5, {10}},
        {1, 3, {4}},
        {5, 9, {1419165041, 1139599005, 3936102811, 1022490595, 23}},
        {5, 9, {1419165041, 1139599005, 3936102811, 1022490595, 21}},
        {5, 5, {21, 1, 2, 3, 1001}},
        {5, 5, {21, 1, 2, 3, 1002}},
        {2, 5, {32, 544}},
        {5, 5, {21, 1, 2, 4, 1001}},
    };

    return pool[draw(SID_POOL)];
}

/* Mostly our rights, few of them, so that ACEs meet; sometimes a class, zeros, or a right of others. */
static struct guid draw_guid(void)
{
    static const struct guid zero, class_guid = {{0x12, 0x34, 0x56}};
    struct guid other = right_row(RIGHT_SEND_AS)->guid;

    switch (draw(8)) {
    case 0:
        return class_guid;
    case 1:
        return zero;
    case 2:
        other.octets[3] ^= 2; /* Receive-As */
        return other;
    case 3:
        return right_row((enum right)draw(RIGHT_COUNT))->guid;
    default:
        return right_row((enum right)draw(4))->guid;
    }
}

static struct ace draw_ace(void)
{
    static const uint8_t types[] = {0, 0, 1, 1, 5, 5, 5, 5, 5, 6, 6, 6, 2, 7, 9, 10, 11, 12, 3, 0x13, 0xfe};
    static const uint32_t masks[] = {0x100,      0x100,      0x100,      0x100,      0x100,
                                     0x130,      0xf01ff,    0x10000000, 0x20000000, 0x40000000,
                                     0x80000000, 0x2fffe,    0,          0xff,       0x10000100,
                                     0xfffffeff, 0xffffffff, 0x1000000,  0xe0000000};
    static const uint8_t flags[] = {0, 0, 0, 0x02, 0x10, 0x12, 0x08, 0x0a, 0x1f, 0xc0};
    struct ace ace = {.type = PICK(types), .flags = PICK(flags), .mask = PICK(masks), .sid = draw_sid()};

    ace.is_opaque = !ace_type_is_known(ace.type);
    if (ace_is_object(&ace)) {
        ace.has_object_type = draw(6) != 0;
        ace.has_inherited_object_type = draw(4) == 0;
        if (ace.has_object_type)
            ace.object_type = draw_guid();
        if (ace.has_inherited_object_type)
            ace.inherited_object_type = draw_guid();
    }
    return ace;
}

/* Distinct SIDs, as a token has them. */
static size_t draw_members(struct naive_member members[TOKEN_MAX])
{
    size_t wanted = 1 + draw(TOKEN_MAX), count = 0;

    for (size_t i = 0; i < wanted; i++) {
        struct naive_member member = {draw_sid(), draw(6) == 0};
        bool is_new = true;

        for (size_t j = 0; j < count; j++)
            is_new = is_new && !sid_equal(&members[j].sid, &member.sid);
        if (is_new)
            members[count++] = member;
    }
    return count;
}

static struct token *token_of(const struct naive_member *members, size_t count)
{
    struct sid sids[TOKEN_MAX];
    bool deny_only[TOKEN_MAX];
    struct token *token;

    for (size_t i = 0; i < count; i++) {
        sids[i] = members[i].sid;
        deny_only[i] = members[i].is_deny_only;
    }
    token = token_new(sids, deny_only, count);
    assert_non_null(token);
    return token;
}

static void check_case(size_t number, const struct acl *dacl, const struct naive_member *members,
                       size_t count)
{
    struct token *token = token_of(members, count);
    struct access_result result;

    access_check(dacl, token, &result);
    for (size_t right = 0; right < RIGHT_COUNT; right++) {
        struct naive_answer answer =
            naive_access_check(dacl, members, count, &right_row((enum right)right)->guid);
        int ace = result.ace[right] == ACCESS_NO_ACE ? -1 : result.ace[right];
        bool is_granted = result.granted & RIGHT_BIT(right);

        if (is_granted != answer.is_granted || ace != answer.ace)
            fail_msg("case %zu, %s: walk %d by ACE %d, pseudocode %d by ACE %d", number,
                     right_name((enum right)right), is_granted, ace, answer.is_granted, answer.ace);
    }
    token_unref(token);
}

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t value;

    return text && bytes_to_u64(bytes_of_text(text), UINT64_MAX, &value) == OK ? value : otherwise;
}

/* proves: D12 facts-9.4 C192 C193 */
static void the_walk_says_what_the_pseudocode_says(void **state)
{
    uint64_t cases = number_from_environment("DIRRELAY_ACCESS_CASES", 50000);
    struct ace aces[ACE_MAX];
    struct naive_member members[TOKEN_MAX];

    (void)state;
    random_state = number_from_environment("DIRRELAY_ACCESS_SEED", 88172645463325252u) | 1;
    for (uint64_t number = 0; number < cases; number++) {
        struct acl dacl = {.state = ACL_PRESENT, .count = draw(ACE_MAX + 1), .aces = aces};

        for (size_t i = 0; i < dacl.count; i++)
            aces[i] = draw_ace();
        if (draw(200) == 0)
            dacl = (struct acl){.state = draw(2) ? ACL_NULL : ACL_ABSENT};
        check_case(number, &dacl, members, draw_members(members));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_walk_says_what_the_pseudocode_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
