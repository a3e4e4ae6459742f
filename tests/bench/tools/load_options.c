#include "load_options.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIPELINE_MAX 64

struct load_options options = {.sessions = 1, .total = 1, .size = 4096, .ramp = 64};

static void usage(void)
{
    fputs("smtpload [options] ADDRESS:PORT\n"
          "  -M send|rcpt|hold  what an operation is\n"
          "  -c N               sessions at a time\n"
          "  -n N               operations in all; with -d: a time instead\n"
          "  -d SECONDS\n"
          "  -m N               operations a session, 0: no limit\n"
          "  -l BYTES           message size\n"
          "  -P N               pipelining, rcpt: N operations a write; 0: off\n"
          "  -r N               hold: sessions being opened at a time\n"
          "  -s ADDRESS         our address\n",
          stderr);
    exit(2);
}

static struct sockaddr_in parse_address(char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char *colon = strchr(text, ':');
    if (colon) {
        *colon = 0;
        address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    }
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
        usage();
    return address;
}

static enum mode parse_mode(const char *text)
{
    if (strcmp(text, "send") == 0)
        return MODE_SEND;
    if (strcmp(text, "rcpt") == 0)
        return MODE_RCPT;
    if (strcmp(text, "hold") != 0)
        usage();
    return MODE_HOLD;
}

void options_parse(int count, char **arguments)
{
    int option;
    while ((option = getopt(count, arguments, "M:c:n:d:m:l:P:r:s:")) != -1)
        switch (option) {
        case 'M':
            options.mode = parse_mode(optarg);
            break;
        case 'c':
            options.sessions = strtol(optarg, NULL, 10);
            break;
        case 'n':
            options.total = strtol(optarg, NULL, 10);
            break;
        case 'd':
            options.seconds = strtod(optarg, NULL);
            break;
        case 'm':
            options.per_session = strtol(optarg, NULL, 10);
            break;
        case 'l':
            options.size = strtol(optarg, NULL, 10);
            break;
        case 'P':
            options.pipeline = strtol(optarg, NULL, 10);
            break;
        case 'r':
            options.ramp = strtol(optarg, NULL, 10);
            break;
        case 's':
            options.from = parse_address(optarg);
            break;
        default:
            usage();
        }
    if (optind != count - 1 || options.sessions < 1 || options.pipeline > PIPELINE_MAX)
        usage();
    options.to = parse_address(arguments[optind]);
}
