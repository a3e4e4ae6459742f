/* What lives from MAIL to the end of the transaction, and only then. */
#ifndef SMTP_SERVER_TRANSACTION_H
#define SMTP_SERVER_TRANSACTION_H

#include "auth/account.h"
#include "mail/address.h"
#include "policy/sender.h"
#include "queue/spool.h"
#include "smtp_server/envelope_parameters.h"
#include "smtp_server/header_reader.h"
#include "smtp_server/line_check.h"
#include "smtp_server/message_reader.h"
#include "smtp_server/reply.h"

enum content_phase {
    CONTENT_HEADER,  /* collected in memory */
    CONTENT_BODY,    /* handed to the spool as it comes */
    CONTENT_REFUSED, /* swallowed up to its end; refusal and decision say why */
};

/* session_filter.c */
struct filtering;
void filtering_free(struct filtering *filtering);

struct transaction {
    struct address sender;
    enum body_type body;
    enum dsn_return dsn_return;
    struct bytes envelope_id;   /* in the arena */
    bool is_utf8;               /* SMTPUTF8 was given */
    bool is_declared_anonymous; /* AUTH=<>; counts with the right alone (facts 6.3) */
    struct bytes
        auth; /* in the arena: AUTH as it was given; once the header is made, as the envelope bears it */
    struct envelope_recipient *recipients; /* a growing array; the texts are in the arena */
    size_t recipient_count;
    size_t recipient_capacity;
    uint32_t refused_recipients; /* past the limit */
    struct arena arena;

    /* From DATA or the first BDAT on. */
    struct spool *spool;
    struct spool_message *message; /* NULL: not begun, given up, or the spool's own (is_committing) */
    bool is_committing;
    uint64_t id; /* the message's InternalId */
    enum content_phase phase;
    enum reply refusal;
    struct decision decision; /* of the refusal, when has_decision */
    bool has_decision;
    bool is_chunked;              /* by BDAT */
    bool is_refusal_told;         /* a chunk was answered with it */
    struct message_reader reader; /* of DATA */
    struct line_check lines;      /* of BDAT, or of what filters made of it */
    struct header_reader header_reader;
    struct buffer header;
    size_t header_length;    /* what of it is the block, once that is complete */
    size_t body_offset;      /* where the body begins in it */
    uint64_t received_bytes; /* without the dots */
    bool has_original_size; /* the block told it, and it is within the limit: received_bytes does not count */
    uint64_t stored_bytes;  /* handed to the spool */
    uint64_t header_bytes;  /* of these, the header block with its empty line */
    uint64_t ended_ms;      /* monotonic; the final dot or the last chunk */
    bool has_utf8_header;   /* it was, and the header block makes use of it */
    struct bytes message_id;            /* in the arena */
    struct sender_questions *senders;   /* of the header block, for the directory; in the arena, or NULL */
    size_t asked_senders;               /* of them */
    const struct account *sender_owner; /* of the first of them, when that was found: a reference */
    struct filtering *filtering;        /* header and body wait for the filters; NULL: there are none */
    const char *quarantine;             /* why a filter wants it held, or NULL; the filtering's */
};

/* NULL without memory. */
struct transaction *transaction_new(const struct address *sender, const struct mail_parameters *parameters);
/* Gives up what was begun in the spool; NULL is a no-op. */
void transaction_free(struct transaction *transaction);
/* ERROR_LIMIT past the ceiling of an envelope, ERROR_TEMPORARY without memory. */
MUST_USE enum error transaction_add_recipient(struct transaction *transaction,
                                              const struct address *recipient,
                                              const struct recipient_parameters *parameters);
/* Begins the content in the spool; false: the spool takes none now. */
bool transaction_begin_message(struct transaction *transaction, struct spool *spool, struct loop *loop);
/* The content is refused: the spool forgets it, the rest is swallowed. decision may be NULL. The first
 * refusal counts. */
void transaction_refuse(struct transaction *transaction, enum reply reply, const struct decision *decision);

#endif
