/* One message before all filters, in their order: each sees what the ones before it made of the message. The
 * session asks at MAIL, at each RCPT and at the end of the content, and waits for the outcome. */
#ifndef FILTER_FILTER_RUN_H
#define FILTER_FILTER_RUN_H

#include "filter/milter.h"
#include "loop/resolver.h"

/* One a loop; lives as long as its runs. */
struct filters {
    const struct filter_list *list;
    struct loop *loop;
    struct resolver *resolver; /* NULL: every host is an address */
    /* Gives a stream to the filter that stands already (tests); NULL: it is connected to. */
    struct stream *(*connect)(const struct filters *filters, const struct filter *filter);
};

/* What filters are told of the message; texts are borrowed for the life of the run. */
struct filter_facts {
    struct ip_endpoint client;
    struct bytes helo;
    struct bytes server_name;
    struct bytes sender;      /* without angle brackets */
    struct bytes account;     /* who logged in, or empty */
    struct bytes mechanism;   /* by what, or empty */
    struct bytes tls_version; /* or empty */
    struct bytes tls_cipher;
    uint64_t id; /* the message's InternalId */
    bool bypasses_antispam;
};

struct filter_outcome {
    enum filter_verdict verdict; /* never FILTER_ACCEPT; FILTER_CONTINUE: go on */
    struct bytes reply;          /* what the filter wants said, "550 5.7.1 text", or empty */
    const char *filter;          /* who refused, or NULL */
    bool is_default;             /* it could not be asked: filter.default decided */
};

/* What filters changed besides the content. */
struct filter_changes {
    const char *quarantine; /* why the message is to be held, or NULL */
    struct bytes sender;    /* without angle brackets, when has_sender */
    bool has_sender;
    bool has_body;             /* it is another one */
    const struct bytes *added; /* recipients, without angle brackets */
    size_t added_count;
    const struct bytes *removed;
    size_t removed_count;
};

struct filter_run;

/* Is there any filter for such a message? */
bool filters_apply(const struct filters *filters, bool bypasses_antispam);

/* Begins: connect, HELO and MAIL before every filter. on_outcome comes once for this and once for each of the
 * calls below, never before the call returns; it may free the run. NULL without memory. */
struct filter_run *filter_run_start(const struct filters *filters, const struct filter_facts *facts,
                                    void (*on_outcome)(void *owner, const struct filter_outcome *outcome),
                                    void *owner);
/* One recipient, without angle brackets. A refusal is of this recipient alone. */
void filter_run_recipient(struct filter_run *run, struct bytes recipient);
/* The content: header (without the empty line) and body are changed in place. */
void filter_run_content(struct filter_run *run, struct buffer *header, struct held_content *body);
/* After the outcome of the content; borrowed from the run. */
const struct filter_changes *filter_run_changes(const struct filter_run *run);
/* No callback after it; NULL is a no-op. */
void filter_run_free(struct filter_run *run);

#endif
