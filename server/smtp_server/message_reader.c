#include "smtp_server/message_reader.h"

#include <string.h>

/* Dots and CRs that may belong to the end are held back; all else goes out as long runs of the input. */
enum reader_state {
    READER_LINE_START, /* behind CRLF, or at the very beginning */
    READER_TEXT,       /* inside a line, or behind a bare LF */
    READER_CR,         /* behind a CR that was emitted already */
    READER_BARE_LF,    /* before a LF that stands alone */
    READER_DOT,        /* a dot at the start of a line is held back */
    READER_DOT_CR,     /* a dot and a CR are held back */
};

/* One call of feed. */
struct feed {
    struct message_reader *reader;
    const char *run; /* first byte not yet emitted */
    const char *at;  /* next byte to look at */
    const char *end;
    const char *next_cr; /* at or behind at, or end: each byte is searched once */
    const char *next_lf;
    bool (*emit)(void *owner, struct bytes content);
    void *owner;
    bool is_stopped;
};

static void feed_emit(struct feed *feed, struct bytes content)
{
    if (content.len > 0 && !feed->emit(feed->owner, content)) {
        feed->is_stopped = true;
    }
}

/* Emits the run up to the byte before stop; the next run begins at stop + skipped. */
static void feed_cut(struct feed *feed, const char *stop, size_t skipped)
{
    feed_emit(feed, (struct bytes){feed->run, (size_t)(stop - feed->run)});
    feed->run = stop + skipped;
}

static const char *feed_next(const struct feed *feed, const char *found, char byte)
{
    if (found != NULL && found >= feed->at) {
        return found;
    }
    found = memchr(feed->at, byte, (size_t)(feed->end - feed->at));
    return found != NULL ? found : feed->end;
}

/* Passes by a line that ends in CRLF when the next one is here and begins with no dot: nearly every line. */
static bool feed_line(struct feed *feed)
{
    feed->next_cr = feed_next(feed, feed->next_cr, '\r');
    feed->next_lf = feed_next(feed, feed->next_lf, '\n');
    if (feed->next_lf - feed->next_cr != 1 || feed->end - feed->next_lf < 2 || feed->next_lf[1] == '.') {
        return false;
    }
    feed->at = feed->next_lf + 1;
    return true;
}

/* Passes by everything up to the next CR or LF that has to be looked at. */
static void feed_text(struct feed *feed)
{
    while (feed_line(feed)) {
    }
    if (feed->next_cr < feed->next_lf) {
        feed->at = feed->next_cr + 1;
        feed->reader->state = READER_CR;
    } else {
        feed->at = feed->next_lf;
        if (feed->at < feed->end) {
            feed->reader->state = READER_BARE_LF;
            feed_cut(feed, feed->at, 0);
        }
    }
}

/* What was held back turns out to be content: the dot goes, a CR stays and is bare. */
static void feed_release(struct feed *feed)
{
    feed->run = feed->at;
    if (feed->reader->state == READER_DOT_CR) {
        feed->reader->flaws |= MESSAGE_BARE_CR;
        feed_emit(feed, BYTES_LITERAL("\r"));
    }
    feed->reader->state = READER_TEXT;
}

static void feed_byte(struct feed *feed)
{
    struct message_reader *reader = feed->reader;
    char byte = *feed->at;
    switch ((enum reader_state)reader->state) {
    case READER_TEXT:
        feed_text(feed);
        return;
    case READER_LINE_START:
        if (byte == '.') {
            feed_cut(feed, feed->at, 1);
            feed->at++;
            reader->state = READER_DOT;
        } else {
            reader->state = READER_TEXT;
        }
        return;
    case READER_CR:
        if (byte == '\n') {
            feed->at++;
            reader->state = READER_LINE_START;
        } else {
            reader->flaws |= MESSAGE_BARE_CR;
            reader->state = READER_TEXT;
        }
        return;
    case READER_BARE_LF:
        reader->flaws |= MESSAGE_BARE_LF;
        reader->state = READER_TEXT;
        feed->at++;
        feed->run = feed->at;
        feed_emit(feed, BYTES_LITERAL("\r\n"));
        return;
    case READER_DOT:
        if (byte == '\r') {
            feed->at++;
            feed->run = feed->at;
            reader->state = READER_DOT_CR;
        } else {
            feed_release(feed);
        }
        return;
    case READER_DOT_CR:
        if (byte == '\n') {
            feed->at++;
            feed->run = feed->at;
            reader->is_done = true;
        } else {
            feed_release(feed);
        }
        return;
    }
}

void message_reader_feed(struct message_reader *reader, struct bytes input,
                         bool (*emit)(void *owner, struct bytes content), void *owner, size_t *out_used)
{
    struct feed feed = {.reader = reader,
                        .run = input.ptr,
                        .at = input.ptr,
                        .end = input.ptr + input.len,
                        .emit = emit,
                        .owner = owner};
    while (feed.at < feed.end && !reader->is_done && !feed.is_stopped) {
        feed_byte(&feed);
    }
    if (feed.run < feed.at) {
        feed_cut(&feed, feed.at, 0);
    }
    *out_used = input.len > 0 ? (size_t)(feed.at - input.ptr) : 0;
    if (*out_used > 0 && memchr(input.ptr, '\0', *out_used) != NULL) {
        reader->flaws |= MESSAGE_NUL;
    }
}
