#include "cli/usage.h"

void usage_print(FILE *out, const struct command *commands, size_t count)
{
    fputs("usage: dirrelay [-c FILE] [--directory URI] [--json] COMMAND ...\n\n", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %s %s\n      %s\n", commands[i].name, commands[i].synopsis, commands[i].summary);
    fputs("\nexit: 0 done or yes, 1 a negative answer, 2 usage or configuration, 3 not reachable, 4 invalid "
          "data\n",
          out);
}

int command_fail(struct command_context *context, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("dirrelay: ", context->err);
    vfprintf(context->err, format, arguments);
    fputc('\n', context->err);
    va_end(arguments);
    return code;
}
