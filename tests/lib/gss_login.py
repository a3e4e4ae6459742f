"""A login by tickets or NTLM: lib/gss_client.py makes the tokens, in an environment of its own, and SMTP carries them."""

import os
import subprocess

GSS_CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gss_client.py")


def log_in(smtp, command, arguments, environment, prompt=None):
    """The last reply to command (`AUTH GSSAPI`). prompt: the server is to ask with this line before the first token is sent."""
    client = subprocess.Popen(["/usr/bin/python3", GSS_CLIENT, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True, env=environment)
    try:
        token = client.stdout.readline().strip()
        if prompt is None:
            reply = smtp.say("%s %s" % (command, token))
        else:
            asked = smtp.say(command).text
            if asked != prompt:
                raise AssertionError("%r, not %r" % (asked, prompt))
            reply = smtp.say(token)
        while reply.code == 334:
            client.stdin.write((reply.lines[0] or "=") + "\n")
            client.stdin.flush()
            token = client.stdout.readline().strip()
            reply = smtp.say("" if token == "=" else token)
    finally:
        client.stdin.close()
        client.wait(20)
        client.stdout.close()
    return reply


def first_token(arguments, environment):
    """What the client would say first, for those who say it too late or twice."""
    client = subprocess.run(["/usr/bin/python3", GSS_CLIENT, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            text=True, env=environment, timeout=60)
    return client.stdout.split()[0]
