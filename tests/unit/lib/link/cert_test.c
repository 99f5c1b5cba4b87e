// Certificates as files.
// links: weft_proto

#include "lib/link/cert.h"
#include "lib/sys/file.h"
#include "tests/support/test.h"

#include <czmq.h>
#include <sys/stat.h>

static const char *path_of(const char *name)
{
    static const char *dir;
    static char path[512];
    if (dir == NULL)
        dir = test_temp_dir();
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

TEST(cert, what_is_written_is_read_again)
{
    struct cert cert;
    struct cert read;
    struct stat info;
    cert_make(&cert);
    EXPECT(cert_is_key(slice_of_text(cert.public_key)));
    memcpy(cert.name, "ci", 3);
    memcpy(cert.tenant, "acme", 5);
    memcpy(cert.scopes, "submit,read", 12);
    cert.created_at = 1766000000000;
    EXPECT_EQ(cert_write(path_of("ci.key"), &cert, true), OK);
    EXPECT_EQ(stat(path_of("ci.key"), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600);
    EXPECT_EQ(cert_read(path_of("ci.key"), &read), OK);
    EXPECT_MEM(&read, &cert, sizeof cert);
    cert.expires_at = 1766000000001;
    EXPECT_EQ(cert_write(path_of("ci.pub"), &cert, false), OK);
    EXPECT_EQ(cert_read(path_of("ci.pub"), &read), OK);
    EXPECT_STR(read.secret_key, "");
    EXPECT_STR(read.public_key, cert.public_key);
    EXPECT_EQ(read.expires_at, 1766000000001);
}

TEST(cert, czmq_reads_it_and_it_reads_czmqs)
{
    struct cert cert;
    cert_make(&cert);
    memcpy(cert.tenant, "acme", 5);
    EXPECT_EQ(cert_write(path_of("ours"), &cert, true), OK);
    zcert_t *theirs = zcert_load(path_of("ours"));
    EXPECT(theirs != NULL);
    EXPECT_STR(zcert_public_txt(theirs), cert.public_key);
    EXPECT_STR(zcert_secret_txt(theirs), cert.secret_key);
    EXPECT_STR(zcert_meta(theirs, "tenant"), "acme");
    zcert_destroy(&theirs);

    theirs = zcert_new();
    zcert_set_meta(theirs, "name", "%s", "other");
    EXPECT_EQ(zcert_save_public(theirs, path_of("theirs")), 0);
    EXPECT_EQ(cert_read(path_of("theirs"), &cert), OK);
    EXPECT_STR(cert.public_key, zcert_public_txt(theirs));
    EXPECT_STR(cert.name, "other");
    EXPECT_STR(cert.tenant, "");
    EXPECT_EQ(cert.expires_at, WHEN_NEVER);
    zcert_destroy(&theirs);
}

TEST(cert, what_is_none_is_refused)
{
    static const char *const texts[] = {
        "",
        "curve\n    public-key = \"short\"\n",
        "nonsense",
        "\x01\x02",
        "curve\n    public-key = \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI~\"\n",
        "metadata\n    expires-at = \"soon\"\ncurve\n    public-key = "
        "\"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\"\n",
        "curve\n    public-key = \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\"\n    secret-key = "
        "\"x\"\n",
    };
    struct cert cert;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        EXPECT_EQ(file_write(path_of("bad"), slice_of_text(texts[i])), OK);
        EXPECT_EQ(cert_read(path_of("bad"), &cert), ERR_DAMAGED);
    }
    static char large[CERT_FILE_LEN_MAX + 1];
    memset(large, '\n', sizeof large);
    EXPECT_EQ(file_write(path_of("bad"), slice_of(large, sizeof large)), OK);
    EXPECT_EQ(cert_read(path_of("bad"), &cert), ERR_DAMAGED);
    EXPECT_EQ(cert_read(path_of("none"), &cert), ERR_NOT_FOUND);
}
