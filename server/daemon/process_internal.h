/* The parts of the running daemon and their order. Private to process.c, source_part.c and delivery_part.c.
 */
#ifndef DAEMON_PROCESS_INTERNAL_H
#define DAEMON_PROCESS_INTERNAL_H

#include "admin/http.h"
#include "admin/service.h"
#include "config/config.h"
#include "daemon/receive.h"
#include "loop/mailbox.h"

#include "auth/authenticator_live.h"
#include "auth/certificate.h"
#include "auth/failure_count.h"

#include <stdatomic.h>

struct process {
    const struct config *config;
    const char *config_path;
    int exit_code;

    struct loop *loop; /* the main loop: signals, HTTP, control socket, hand-over of organizations */
    struct spool *spool;
    struct receive *receive;
    struct loop *directory_loop;
    struct directory *directory;
    struct keeper *keeper;
    struct accounts *accounts; /* on the directory loop; NULL: the directory is a file, which proves nobody */
    struct account_source account_source;
    struct password_prover *prover;
    struct authenticator *authenticator;
    struct failure_counts *account_failures;
    struct failure_counts *failures;
    struct loop *delivery_loop;
    struct delivery *delivery;
    const struct certificate_set *certificates;
    uint64_t certificate_stamp; /* of the directory when it was read last */
    struct loop_timer certificate_look;
    bool is_internal_missing; /* the internal certificate, when it was looked for last */
    uint64_t trust_stamp;     /* of tls.ca_file and tls.crl_file when they were read last */
    struct loop_timer trust_look;
    struct buffer missing_certificates; /* the connectors that the log has named last */
    struct loop_timer pressure_look;
    struct http *http;
    struct control *control;
    struct admin_service admin; /* admin.organization is the main loop's reference */

    struct loop_timer deadline; /* of draining */
    bool is_draining;
    bool is_stopping;      /* the sessions are gone */
    bool is_aborting;      /* and delivery was cut */
    bool is_delivery_over; /* and its loop has ended */

    /* Each one is posted at most once, refresh again when it has run: nothing may hold the main loop up. */
    struct mail stop_delivery;
    struct mail abort_delivery;
    struct mail delivery_stopped; /* back to the main loop */
    struct mail refresh_source;
    atomic_bool is_refresh_posted;
    struct mail stop_source;
    struct mail source_stopped; /* back to the main loop */
};

/* certificate_part.c, on the main loop: tls.certificate_dir is read, and read again when one of its files
 * changes. */
MUST_USE enum error certificate_part_start(struct process *process, struct note *note);
void certificate_part_reload(struct process *process);
/* Names the connectors that want a certificate and find none, once until their list changes. */
void certificate_part_check(struct process *process);
void certificate_part_stop(struct process *process);

/* gateway_part.c, on the main loop: names the connectors in force that a gateway's clients could relay by. */
void gateway_part_check(const struct process *process);

/* pressure_part.c, on the main loop. The first look is taken at once. */
void pressure_part_start(struct process *process);
void pressure_part_stop(struct process *process);

/* trust_part.c, on the main loop: tls.ca_file and tls.crl_file are read again when one changes. */
void trust_part_start(struct process *process);
void trust_part_reload(struct process *process);
void trust_part_stop(struct process *process);
/* As tls_context_new_client; any thread. */
MUST_USE enum error trust_part_read(const struct config *config, struct tls_context **out, struct note *note);

/* auth_part.c. begin_accounts and end_accounts on the directory loop, between the opening of the directory
 * and its closing. The rest on the main loop: start after the source's, before the first organization is
 * posted; look reads the keytab again; give_up lets go whoever waits for a proof; stop when the SMTP loops
 * have ended and before the source does. */
MUST_USE enum error auth_part_begin_accounts(struct process *process, struct note *note);
void auth_part_end_accounts(struct process *process);
MUST_USE enum error auth_part_start(struct process *process, struct note *note);
void auth_part_look(struct process *process);
void auth_part_give_up(struct process *process);
void auth_part_stop(struct process *process);

/* Each part on its own loop and thread. After stop the main loop gets the mail process->…_stopped, whose
 * on_mail process.c has set: once. */
MUST_USE enum error source_part_start(struct process *process, struct note *note);
void source_part_refresh(struct process *process);
void source_part_stop(struct process *process);
MUST_USE enum error delivery_part_start(struct process *process, struct note *note);
void delivery_part_set_organization(struct process *process, const struct organization *organization);
void delivery_part_set_tls(struct process *process, struct tls_context *tls); /* takes it */
void delivery_part_set_certificates(struct process *process, const struct certificate_set *certificates);
/* Running transmissions may finish; abort cuts them. */
void delivery_part_stop(struct process *process);
void delivery_part_abort(struct process *process);
/* Ends and joins the part's loop. */
void source_part_free(struct process *process);
void delivery_part_end(struct process *process);
/* When the spool is closed, which may post to the loop until then. */
void delivery_part_free(struct process *process);

/* On the main loop: a new organization; the reference is ours from here on. */
void process_take_organization(struct process *process, const struct organization *organization);
#endif
