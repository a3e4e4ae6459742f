/* A server of the organization that is known by its certificate: direct trust. Facts 10.3. */
#ifndef ORGANIZATION_TRUSTED_SERVER_H
#define ORGANIZATION_TRUSTED_SERVER_H

#include "organization/identity.h"

#define CERTIFICATE_THUMBPRINT_SIZE 20 /* SHA-1 of the DER form */

struct trusted_server {
    const char *name;         /* cn */
    enum identity identity;   /* IDENTITY_HUB or IDENTITY_EDGE, by its role */
    struct bytes certificate; /* msExchServerInternalTLSCert: DER, or the thumbprint */
};

#endif
