#include "backup/sum.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/checksum.h"

bool file_sum_equal(const struct file_sum *a, const struct file_sum *b) {
    return a->bytes == b->bytes && a->crc32c == b->crc32c &&
           (!a->has_sha256 || !b->has_sha256 || memcmp(a->sha256, b->sha256, SHA256_BYTES) == 0);
}

JET_ERR summer_begin(struct summer *s, bool sha256) {
    JET_ERR err = JET_errSuccess;

    *s = (struct summer){.sum.has_sha256 = sha256};
    if (!sha256)
        return JET_errSuccess;
    s->sha = EVP_MD_CTX_new();
    if (!s->sha)
        FAIL(JET_errOutOfMemory);
    if (EVP_DigestInit_ex(s->sha, EVP_sha256(), NULL) != 1)
        FAIL(JET_errInternalError);
cleanup:
    return err;
}

JET_ERR summer_add(struct summer *s, const void *data, size_t bytes) {
    s->sum.bytes += bytes;
    s->sum.crc32c = crc32c(s->sum.crc32c, data, bytes);
    return s->sha && EVP_DigestUpdate(s->sha, data, bytes) != 1 ? RAISE(JET_errInternalError) : JET_errSuccess;
}

JET_ERR summer_end(struct summer *s, struct file_sum *out) {
    if (s->sha && EVP_DigestFinal_ex(s->sha, s->sum.sha256, NULL) != 1)
        return RAISE(JET_errInternalError);
    *out = s->sum;
    return JET_errSuccess;
}

void summer_free(struct summer *s) {
    EVP_MD_CTX_free(s->sha);
    s->sha = NULL;
}
