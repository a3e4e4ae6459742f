/* room: smtp_server */
/* What the parser takes apart are pieces of the line, in order, and nothing of them is invented. */
#include "smtp_server/command.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes line = {(const char *)data, size};
    struct command_line command;
    command_parse(line, &command);
    assert(command.verb < VERB_COUNT);
    assert(verb_name(command.verb)[0] != '\0');
    if (command.arguments.len > 0) {
        assert(command.arguments.ptr >= line.ptr);
        assert(command.arguments.ptr + command.arguments.len <= line.ptr + line.len);
        assert(bytes_trim(command.arguments).len == command.arguments.len);
    }
    assert(!command.has_keyword || command.verb == VERB_MAIL || command.verb == VERB_RCPT);
    assert(!command_is_foreign(line) || command.verb == VERB_FOREIGN);
    (void)command_has_control(line);
    return 0;
}
