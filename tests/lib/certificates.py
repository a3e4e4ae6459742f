"""Certificates for tests, made by the openssl program.

    folder = Certificates()
    folder.make("mx1", "mailbox01.contoso.com")                 folder/mx1.pem, self-signed
    folder.make("mx2", "mail.contoso.com", issuer=folder.ca())  issued
    folder.crl(revoked=["mx2"])                                 folder/../crl.pem, of the CA
    Daemon(…, config={"tls.certificate_dir": folder.path})
"""

import hashlib
import os
import shutil
import subprocess
import tempfile


def openssl(*arguments, input=None):
    done = subprocess.run(["openssl", *arguments], input=input, capture_output=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError("openssl %s: %s" % (" ".join(arguments), done.stderr.decode()))
    return done.stdout


class Certificates:
    """A directory that everybody may read."""

    def __init__(self):
        self.work = tempfile.mkdtemp(prefix="dr-certificates-")
        self.path = os.path.join(self.work, "tls")
        os.mkdir(self.path)
        os.chmod(self.work, 0o755)
        self._ca = None

    def close(self):
        shutil.rmtree(self.work, ignore_errors=True)

    def _work(self, name):
        return os.path.join(self.work, name)

    def ca(self, name="Contoso CA"):
        """(certificate, key) files; one a directory."""
        if not self._ca:
            self._ca = (self._work("ca.pem"), self._work("ca.key"))
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                    "/O=Contoso/CN=" + name, "-keyout", self._ca[1], "-out", self._ca[0])
        return self._ca

    def authority(self, name, issuer):
        """(certificate, key) files of a further CA; the issuer's certificate stands behind its own."""
        certificate, key, request = (self._work(name + end) for end in (".ca.pem", ".ca.key", ".ca.csr"))
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/O=Contoso/CN=" + name,
                "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", issuer[0], "-CAkey", issuer[1], "-CAcreateserial", "-days", "30",
                "-copy_extensions", "copy", "-out", certificate)
        with open(issuer[0]) as above, open(certificate, "a") as file:
            file.write(above.read())
        return certificate, key

    def make(self, file, name, issuer=None, expired=False, rsa=False, into=None, points=(), more=(), chain=False, alternatives=None,
             usage=None):
        """Writes file.pem at once, as a renewal tool does; returns its path. issuer: what ca() gave; points: where its
        revocation lists are; more: further names; chain: the issuer's certificate too; alternatives: the whole subjectAltName, in
        place of the names; usage: extendedKeyUsage."""
        key, certificate = self._work(file + ".key"), self._work(file + ".crt")
        kind = ["-newkey", "rsa:2048"] if rsa else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        names = alternatives or ",".join("DNS:" + one for one in (name, *more))
        subject = ["-subj", "/O=Contoso/CN=" + name, "-addext", "subjectAltName=" + names]
        subject += ["-addext", "extendedKeyUsage=" + usage] if usage else []
        if points:
            subject += ["-addext", "crlDistributionPoints=" + ",".join("URI:" + point for point in points)]
        if issuer:
            request = self._work(file + ".csr")
            openssl("req", "-new", *kind, "-nodes", *subject, "-keyout", key, "-out", request)
            openssl("x509", "-req", "-in", request, "-CA", issuer[0], "-CAkey", issuer[1], "-CAcreateserial", "-days", "30",
                    "-copy_extensions", "copy", "-out", certificate)
        else:
            openssl("req", "-x509", *kind, "-nodes", *subject, "-days", "30", "-keyout", key, "-out", certificate)
        if expired:
            self._expire(key, certificate, issuer)
        with open(certificate) as one, open(key) as other:
            text = one.read() + other.read()
        if chain:
            with open(issuer[0]) as above:
                text += above.read()
        return self.write(file + ".pem", text, into)

    def tlsa(self, file, selector, matching):
        """What a TLSA record of these two holds, in hex; file: of the certificate, or "ca" for the issuer."""
        certificate = self.ca()[0] if file == "ca" else self._work(file + ".crt")
        data = openssl("x509", "-in", certificate, "-outform", "DER")
        if selector == 1:
            data = openssl("pkey", "-pubin", "-outform", "DER", input=openssl("x509", "-in", certificate, "-pubkey", "-noout"))
        digest = {0: lambda octets: octets, 1: lambda octets: hashlib.sha256(octets).digest(),
                  2: lambda octets: hashlib.sha512(octets).digest()}[matching]
        return digest(data).hex()

    def _configure(self, certificate, key, index=""):
        """For `openssl ca` with this issuer; index: its database."""
        with open(self._work("ca.conf"), "w") as file:
            file.write("[ca]\ndefault_ca = d\n[d]\ndatabase = %s\nserial = %s\nnew_certs_dir = %s\ndefault_md = sha256\n"
                       "policy = p\ncertificate = %s\nprivate_key = %s\nx509_extensions = e\ncopy_extensions = copy\n"
                       "[p]\norganizationName = optional\ncommonName = supplied\n[e]\nbasicConstraints = CA:FALSE\n" % (
                           self._work("index"), self._work("serial"), self.work, certificate, key))
        with open(self._work("index"), "w") as file:
            file.write(index)
        return "-batch", "-config", self._work("ca.conf")

    def _expire(self, key, certificate, issuer):
        """Signs it again, for a month of 2020."""
        month = ("-notext", "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-out", certificate)
        if issuer:
            options = self._configure(*issuer)
            request = certificate.removesuffix(".crt") + ".csr"
            openssl("ca", *options, "-rand_serial", "-in", request, *month)
        else:
            options = self._configure(certificate, key)
            openssl("ca", *options, "-rand_serial", "-ss_cert", certificate, "-selfsign", "-keyfile", key, *month)

    def crl(self, revoked=(), stale=False, file="crl.pem"):
        """Writes the CA's list of revoked certificates at once, beside tls; returns its path. stale: of 2020."""
        serials = [openssl("x509", "-in", self._work(name + ".crt"), "-noout", "-serial").decode().strip().partition("=")[2]
                   for name in revoked]
        options = self._configure(*self.ca(), "".join(
            "R\t491231000000Z\t200101000000Z\t%s\tunknown\t/O=Contoso/CN=x\n" % serial for serial in serials))
        time = ("-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20200201000000Z") if stale else ("-crldays", "7")
        return self.write(file, openssl("ca", *options, "-gencrl", *time).decode(), into=self.work)

    def der_crl(self, **options):
        """The same list as it comes over HTTP."""
        return openssl("crl", "-in", self.crl(**options), "-outform", "DER")

    def write(self, file, text, into=None):
        path, fresh = os.path.join(into or self.path, file), self._work("fresh")
        with open(fresh, "w") as out:
            out.write(text)
        os.chmod(fresh, 0o644)
        os.rename(fresh, path)
        return path

    def remove(self, file):
        os.unlink(os.path.join(self.path, file))
