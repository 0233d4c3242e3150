/* SPDX-License-Identifier: Apache-2.0 */
/* Fingerprints: known answers, and files read in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <xxhash.h>

#include "artifact/model.h"
#include "base/digest.h"
#include "base/file.h"

static void
must (adze_error *error)
{
  if (!error)
    return;
  char *text = adze_error_text (error);
  print_error ("%s", text ? text : "out of memory\n");
  free (text);
  adze_error_free (error);
  fail ();
}

/* As b2sum -l 256 prints them. */
#define EMPTY "blake2b:0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"
#define ABC "blake2b:bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"
/* Of three million bytes, number I being (7 I + I / 251) modulo 256. */
#define LONG_BYTES "blake2b:ef6ce99b8fd01992ac9962386ee18f5d8faec72e596eefdae4d60d6c68b72fd8"
#define LONG_SIZE ((size_t)3000000)

static void
test_bytes (void **state)
{
  (void)state;
  char text[ADZE_DIGEST_TEXT];
  must (adze_digest_bytes (NULL, 0, text));
  assert_string_equal (text, EMPTY);
  must (adze_digest_bytes ("abc", 3, text));
  assert_string_equal (text, ABC);
}

/* Longer than one piece, and no whole number of them. */
static void
test_file (void **state)
{
  (void)state;
  char folder[] = "/tmp/adze-test-digest-XXXXXX";
  assert_non_null (mkdtemp (folder));
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/file", folder);
  ADZE_AUTO_FREE unsigned char *bytes = malloc (LONG_SIZE);
  for (size_t i = 0; i < LONG_SIZE; i++)
    bytes[i] = (unsigned char)(i * 7 + i / 251);
  char text[ADZE_DIGEST_TEXT];
  must (adze_file_write (path, bytes, LONG_SIZE, 0600));
  must (adze_digest_file (path, text));
  assert_string_equal (text, LONG_BYTES);
  must (adze_file_write (path, "", 0, 0600));
  must (adze_digest_file (path, text));
  assert_string_equal (text, EMPTY);
  unlink (path);
  rmdir (folder);
}

static void
test_no_file (void **state)
{
  (void)state;
  char text[ADZE_DIGEST_TEXT];
  ADZE_AUTO_ERROR missing = adze_digest_file ("/nonexistent/file", text);
  assert_int_equal (adze_error_status (missing), ADZE_E_NOT_FOUND);
  assert_string_equal (adze_error_fact (missing, "file"), "/nonexistent/file");
  ADZE_AUTO_ERROR folder = adze_digest_file ("/", text);
  assert_int_equal (adze_error_status (folder), ADZE_E_IO);
}

/* As the authors of the hash publish them. */
static void
test_hash64 (void **state)
{
  (void)state;
  assert_true (adze_hash64 (NULL, 0, 0) == UINT64_C (0x2d06800538d394c2));
  assert_true (adze_hash64 ("", 0, UINT64_C (0x9e3779b185ebca8d)) == UINT64_C (0xa8a6b918b2f0364a));
  assert_true (adze_hash64 ("", 1, 0) == UINT64_C (0xc44bdff4074eecdb));
}

/* Every length at which the hash goes another way, and bytes that begin anywhere: what is compiled for
 * one kind of processor agrees with what the library says on any. */
static void
test_leaf (void **state)
{
  (void)state;
  static const size_t sizes[] = { 0,   1,   3,    4,    8,    9,    16,   17,   128,   129,
                                  240, 241, 1023, 1024, 1025, 2048, 4097, 8191, 70001, 262144 };
  ADZE_AUTO_FREE unsigned char *bytes = malloc (262144 + 64);
  assert_non_null (bytes);
  for (size_t i = 0; i < 262144 + 64; i++)
    bytes[i] = (unsigned char)(i * 31 + i / 97);
  for (size_t i = 0; i < ADZE_COUNT_OF (sizes); i++)
    for (size_t start = 0; start < 64; start += 13) {
      adze_hash128 ours = adze_leaf_hash (bytes + start, sizes[i]);
      XXH128_hash_t theirs = XXH3_128bits (bytes + start, sizes[i]);
      assert_true (ours.low == theirs.low64 && ours.high == theirs.high64);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_bytes),
    cmocka_unit_test (test_file),
    cmocka_unit_test (test_no_file),
    cmocka_unit_test (test_hash64),
    cmocka_unit_test (test_leaf),
  };
  return cmocka_run_group_tests_name ("digest", tests, NULL, NULL);
}
