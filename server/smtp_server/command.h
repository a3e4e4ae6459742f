/* A line of SMTP → verb and arguments. Pure. */
#ifndef SMTP_SERVER_COMMAND_H
#define SMTP_SERVER_COMMAND_H

#include "base/bytes.h"

#define COMMAND_LINE_MAX 2048 /* octets with CRLF; RFC 5321 asks for 512, extensions add to it */

enum verb {
    VERB_EHLO,
    VERB_HELO,
    VERB_MAIL,
    VERB_RCPT,
    VERB_DATA,
    VERB_RSET,
    VERB_NOOP,
    VERB_VRFY,
    VERB_EXPN,
    VERB_HELP,
    VERB_QUIT,
    VERB_STARTTLS,
    VERB_X_ANONYMOUSTLS, /* STARTTLS between Exchange servers */
    VERB_AUTH,
    VERB_X_EXPS, /* AUTH between Exchange servers */
    VERB_BDAT,
    VERB_XEXCH50,
    VERB_UNKNOWN,
    VERB_FOREIGN, /* GET, POST, CONNECT …: another protocol speaks; closed at once (matrix F13) */
    VERB_COUNT
};

struct command_line {
    enum verb verb;
    struct bytes
        arguments;    /* behind the verb, blanks trimmed; for MAIL behind "FROM:", for RCPT behind "TO:" */
    bool has_keyword; /* MAIL without FROM:, RCPT without TO:: false */
};

/* line: without its CRLF. */
void command_parse(struct bytes line, struct command_line *out);
/* The arguments of BDAT: a size in decimal digits, then LAST or nothing. False: it cannot be known where the
 * content ends. RFC 3030. */
bool command_parse_chunk(struct bytes arguments, uint64_t *out_size, bool *out_is_last);
const char *verb_name(enum verb verb);
/* The beginning of a line that need not be complete: a TLS ClientHello, whose end as a line may never come.
 */
bool command_is_foreign(struct bytes beginning);
/* A byte no command may hold: control characters (CR, LF, NUL and TAB among them) and DEL. Matrix F11. */
bool command_has_control(struct bytes line);

#endif
