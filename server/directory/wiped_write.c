#include "directory/wiped_write.h"

#include <string.h>

static int set_up(Sockbuf_IO_Desc *layer, void *argument)
{
    (void)layer;
    (void)argument;
    return 0;
}

static int remove_layer(Sockbuf_IO_Desc *layer)
{
    (void)layer;
    return 0;
}

static int control(Sockbuf_IO_Desc *layer, int option, void *argument)
{
    return LBER_SBIOD_CTRL_NEXT(layer, option, argument);
}

static ber_slen_t read_on(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t len)
{
    return LBER_SBIOD_READ_NEXT(layer, bytes, len);
}

static ber_slen_t write_and_wipe(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t len)
{
    ber_slen_t written = LBER_SBIOD_WRITE_NEXT(layer, bytes, len);
    if (written > 0)
        explicit_bzero(bytes, (size_t)written);
    return written;
}

void wiped_write_install(Sockbuf *buffer)
{
    static Sockbuf_IO io = {set_up, remove_layer, control, read_on, write_and_wipe, NULL};
    ber_sockbuf_add_io(buffer, &io, LBER_SBIOD_LEVEL_APPLICATION, NULL);
}
