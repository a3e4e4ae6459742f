#include "loop/http_request.h"

#include <curl/curl.h>
#include <stdio.h>

struct transfer {
    const struct http_request *request;
    struct buffer *content;
    enum error error;
};

static size_t on_content(char *data, size_t size, size_t count, void *owner)
{
    struct transfer *transfer = owner;
    transfer->error = buffer_append(transfer->content, (struct bytes){data, size * count});
    return transfer->error == OK ? size * count : 0;
}

static int on_progress(void *owner, curl_off_t download_total, curl_off_t download, curl_off_t upload_total,
                       curl_off_t upload)
{
    const struct transfer *transfer = owner;
    (void)download_total, (void)download, (void)upload_total, (void)upload;
    return transfer->request->is_canceled && atomic_load(transfer->request->is_canceled);
}

static CURLcode set_up(CURL *curl, struct transfer *transfer, struct curl_slist *headers)
{
    const struct http_request *request = transfer->request;
    const struct {
        CURLoption option;
        long value;
    } NUMBERS[] = {
        {CURLOPT_TIMEOUT_MS, (long)request->timeout_ms},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_NOPROGRESS, 0},
    };
    CURLcode code = CURLE_OK;
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0] && code == CURLE_OK; i++)
        code = curl_easy_setopt(curl, NUMBERS[i].option, NUMBERS[i].value);
    const struct {
        CURLoption option;
        const void *value;
    } POINTERS[] = {
        {CURLOPT_URL, request->url},   {CURLOPT_PROTOCOLS_STR, request->scheme},
        {CURLOPT_HTTPHEADER, headers}, {CURLOPT_USERAGENT, "dirrelay"},
        {CURLOPT_WRITEDATA, transfer}, {CURLOPT_XFERINFODATA, transfer},
    };
    for (size_t i = 0; i < sizeof POINTERS / sizeof POINTERS[0] && code == CURLE_OK; i++)
        code = curl_easy_setopt(curl, POINTERS[i].option, POINTERS[i].value);
    if (code == CURLE_OK && request->form.len)
        code = curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->form.len);
    if (code == CURLE_OK && request->form.len)
        code = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->form.ptr);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_content);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    if (code == CURLE_OK && request->ca_file)
        code = curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file);
    return code;
}

enum error http_request_prepare(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? OK : ERROR_TEMPORARY;
}

static CURLcode read_head(CURL *curl, struct http_answer *out)
{
    long status = 0;
    char *type = NULL;
    CURLcode code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    if (code != CURLE_OK)
        return code;
    out->status = (unsigned)status;
    snprintf(out->media_type, sizeof out->media_type, "%s", type ? type : "");
    return CURLE_OK;
}

static struct curl_slist *make_headers(const struct http_request *request)
{
    char accept[80];
    snprintf(accept, sizeof accept, "Accept: %s", request->accept);
    return curl_slist_append(NULL, accept);
}

enum error http_request_run(const struct http_request *request, struct http_answer *out,
                            struct buffer *content, struct note *note)
{
    struct transfer transfer = {.request = request, .content = content};
    struct curl_slist *headers = make_headers(request);
    CURL *curl = curl_easy_init();
    CURLcode code = curl && headers ? set_up(curl, &transfer, headers) : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK)
        code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        code = read_head(curl, out);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    if (code == CURLE_OK)
        return OK;
    note_set(note, "%s", transfer.error == ERROR_LIMIT ? "too long" : curl_easy_strerror(code));
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return ERROR_CANCELED;
    return transfer.error ? transfer.error : ERROR_TEMPORARY;
}
