#include "auth/conversation.h"

enum auth_step conversation_step_of(enum error error)
{
    switch (error) {
    case OK:
        return AUTH_STEP_DONE;
    case ERROR_SYNTAX:
    case ERROR_LIMIT:
    case ERROR_NOT_FOUND:
    case ERROR_DENIED_CREDENTIALS:
        return AUTH_STEP_REFUSED;
    case ERROR_TEMPORARY:
    case ERROR_TIMEOUT:
    case ERROR_CANCELED:
    case ERROR_PROTOCOL:
    case ERROR_IO:
        return AUTH_STEP_UNAVAILABLE;
    }
    return AUTH_STEP_UNAVAILABLE;
}
