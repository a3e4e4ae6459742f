#include "auth/authenticator.h"

static const char *const NAMES[SASL_MECHANISM_COUNT] = {
    [SASL_PLAIN] = "PLAIN",
    [SASL_LOGIN] = "LOGIN",
    [SASL_GSSAPI] = "GSSAPI",
    [SASL_NTLM] = "NTLM",
};

const char *sasl_mechanism_name(enum sasl_mechanism mechanism)
{
    return NAMES[mechanism];
}

bool sasl_mechanism_by_name(struct bytes name, enum sasl_mechanism *out)
{
    for (unsigned i = 0; i < SASL_MECHANISM_COUNT; i++) {
        if (bytes_equal_text_nocase(name, NAMES[i])) {
            *out = (enum sasl_mechanism)i;
            return true;
        }
    }
    return false;
}
