/* room: smtp_server */
/* fakes: organization dialogue */
/* What a header block of 1 MiB costs a session, from its first byte to its 250, by the shape of its fields:
 * reading, checks, firewall, stamp, spool in memory. CPU time, the least and the median of the rounds: the
 * least is what a machine without other work would take. For instructions, which do not depend on the load:
 *
 *   valgrind --tool=callgrind bench_header 1            one round of each */
#include "fakes/fake_dialogue.h"
#include "unit/smtp_server/smtp_organization.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK_BYTES (1u << 20)
#define READ_BYTES  (64u << 10) /* of one read of the stream */
#define ROUNDS_MAX  101

static const struct {
    const char *name;
    const char *first;  /* once */
    const char *repeat; /* until it is 1 MiB */
} SHAPES[] = {
    {"fields of 78 bytes", "",
     "X-Some-Name: 0123456789 0123456789 0123456789 0123456789 0123456789 012345\r\n"},
    {"folded fields of 300 bytes", "",
     "Some-Results: mx.contoso.com; dkim=pass (2048-bit key) header.d=fabrikam.com header.i=@fab\r\n"
     "\trikam.com; spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=fabrikam.com smtp.helo=mail.fa\r\n"
     "\tbrikam.com; dmarc=pass action=none header.from=fabrikam.com; compauth=pass reason=100; x\r\n"},
    {"Received of 200 bytes", "",
     "Received: from mail.fabrikam.com (192.0.2.1) by mx.example.org (10.0.0.1) with Microsoft SMTP\r\n"
     " Server (TLS) id 15.1.2507.6; Sun, 22 Nov 2026 02:45:00 +0000 and a comment that fills it up.\r\n"},
    {"one field of a million folds", "To: a@b.example", ",\r\n a@b.example"},
    {"headers of Exchange, all removed", "",
     "X-MS-Exchange-Organization-Some-Name: 0123456789 0123456789\r\n"},
    {"fields of 4 bytes", "", "a:\r\n"},
};

static void enlarge(struct receive_connector *connector)
{
    connector->max_header_bytes = 2 * BLOCK_BYTES;
    connector->max_hops = 1000000;
    connector->max_local_hops = 0;
}

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void require(bool is_right, const char *what)
{
    if (!is_right) {
        fprintf(stderr, "bench_header: %s\n", what);
        exit(1);
    }
}

static void make(size_t shape, struct buffer *out)
{
    buffer_init(out, 2 * BLOCK_BYTES);
    bool is_made = buffer_append_text(out, SHAPES[shape].first) == OK;
    while (is_made && out->len + strlen(SHAPES[shape].repeat) + 2 <= BLOCK_BYTES) {
        is_made = buffer_append_text(out, SHAPES[shape].repeat) == OK;
    }
    if (out->ptr[out->len - 1] != '\n') {
        is_made = is_made && buffer_append_text(out, "\r\n") == OK;
    }
    require(is_made && buffer_append_text(out, "\r\nbody\r\n.\r\n") == OK, "no memory");
}

static double round_of(const struct organization *organization, struct bytes content)
{
    struct dialogue dialogue;
    dialogue_open(&dialogue, organization, "10.1.0.5");
    dialogue_send(&dialogue, BYTES_LITERAL("EHLO x\r\n"));
    dialogue_send(&dialogue,
                  BYTES_LITERAL("MAIL FROM:<a@b.example>\r\nRCPT TO:<x@fabrikam.com>\r\nDATA\r\n"));
    double before = cpu_ms();
    while (content.len > 0) {
        stream_memory_feed(dialogue.stream, bytes_first(content, READ_BYTES));
        content = bytes_skip(content, READ_BYTES);
    }
    dialogue_settle(&dialogue);
    double spent = cpu_ms() - before;
    require(dialogue_message_count(&dialogue) == 1, "the message is not there");
    dialogue_close(&dialogue);
    return spent;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int count, char **arguments)
{
    double spent[ROUNDS_MAX];
    int rounds = count > 1 ? (int)strtol(arguments[1], NULL, 10) : ROUNDS_MAX;
    require(rounds >= 1 && rounds <= ROUNDS_MAX, "1 to 101 rounds");
    adjust_all = enlarge;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    for (size_t shape = 0; shape < sizeof SHAPES / sizeof SHAPES[0]; shape++) {
        struct buffer content;
        make(shape, &content);
        for (int i = 0; i < rounds; i++) {
            spent[i] = round_of(organization, buffer_bytes(&content));
        }
        qsort(spent, (size_t)rounds, sizeof spent[0], compare);
        printf("%-34s %6.2f ms CPU, median %.2f\n", SHAPES[shape].name, spent[0], spent[rounds / 2]);
        buffer_done(&content);
    }
    organization_unref(organization);
    return 0;
}
