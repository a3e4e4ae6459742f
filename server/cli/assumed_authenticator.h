/* An authenticator that believes everybody to be one account: what `explain --user` runs the session with. */
#ifndef CLI_ASSUMED_AUTHENTICATOR_H
#define CLI_ASSUMED_AUTHENTICATOR_H

#include "auth/authenticator.h"
#include "cli/account_load.h"

struct assumed_authenticator {
    struct authenticator face;
    uint32_t mechanisms;                 /* SASL_BITs that are offered */
    const struct loaded_account *loaded; /* borrowed; without an account every login is refused */
    struct auth_exchange *exchange;
    struct loop_timer answer;
    struct auth_owner_question *question;
    struct loop_timer owner;
};

/* One exchange at a time, on this loop. The one address whose owner is known is that of MAIL. */
void assumed_authenticator_init(struct assumed_authenticator *assumed, struct loop *loop, uint32_t mechanisms,
                                const struct loaded_account *loaded);

#endif
