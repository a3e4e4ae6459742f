/* LDAP result codes as error kinds. Internal to the room. */
#ifndef DIRECTORY_RESULT_CODE_H
#define DIRECTORY_RESULT_CODE_H

#include "base/error.h"

/* By what the asker does next. A referral is TEMPORARY: the answer is elsewhere, and we never follow (matrix
 * D5). */
enum error result_code_error(int code);

#endif
