/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped manifests of BLAS and LAPACK with the libraries that are installed, and wrong ones:
 * each must be seen by the vectors, or be of the few that docs/foreign.md says cannot be. */
#define _GNU_SOURCE 1
#include "foreign-manifests.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- Wrong signatures of a real library, each in a process of its own. */

/* What may happen to a wrong claim. A binding whose vectors pass by the luck of the calling
 * convention is listed in docs/foreign.md. */
typedef struct wrong_claim {
  const char *name;
  bool by_luck; /* on some machines the vectors cannot show it */
  struct {
    size_t at; /* which argument */
    const char *with; /* "" leaves it out */
  } changes[2];
} wrong_claim;

static const wrong_claim wrong_claims[] = {
  { "order of columns instead of rows", false, { { 0, "{ type = \"int\", value = 102 }" } } },
  { "no order at all", false, { { 0, "" } } },
  { "transposes mapped the other way round",
    false,
    { { 1, "{ type = \"int\", from = \"transpose_a\", map = { 0 = 112, 1 = 111 } }" },
      { 2, "{ type = \"int\", from = \"transpose_b\", map = { 0 = 112, 1 = 111 } }" } } },
  { "transposes of each other",
    false,
    { { 1, "{ type = \"int\", from = \"transpose_b\", map = { 0 = 111, 1 = 112 } }" },
      { 2, "{ type = \"int\", from = \"transpose_a\", map = { 0 = 111, 1 = 112 } }" } } },
  { "m and n swapped",
    false,
    { { 3, "{ type = \"int\", from = \"n\" }" }, { 4, "{ type = \"int\", from = \"m\" }" } } },
  { "lda and ldb swapped",
    false,
    { { 8, "{ type = \"int\", from = \"ldb\" }" }, { 10, "{ type = \"int\", from = \"lda\" }" } } },
  { "a and b swapped",
    false,
    { { 7, "{ type = \"pointer\", from = \"b\" }" },
      { 9, "{ type = \"pointer\", from = \"a\" }" } } },
  { "alpha and beta swapped",
    false,
    { { 6, "{ type = \"float\", from = \"beta\" }" },
      { 11, "{ type = \"float\", from = \"alpha\" }" } } },
  { "alpha as a double", false, { { 6, "{ type = \"double\", from = \"alpha\" }" } } },
  { "m and n as 64-bit numbers",
    true,
    { { 3, "{ type = \"int64\", from = \"m\" }" }, { 4, "{ type = \"int64\", from = \"n\" }" } } },
  { "ldc as a 16-bit number", true, { { 13, "{ type = \"int16\", from = \"ldc\" }" } } },
};

static char *
claim_text (const wrong_claim *claim, const char *soname)
{
  ADZE_AUTO (adze_buffer) arguments = { 0 };
  for (size_t i = 0; i < BLAS_COUNT; i++) {
    const char *argument = blas_arguments[i];
    for (size_t n = 0; claim && n < 2; n++)
      if (claim->changes[n].with && claim->changes[n].at == i)
        argument = claim->changes[n].with;
    if (argument[0])
      adze_buffer_format (&arguments, "%s,\n", argument);
  }
  char *text = adze_text_format (
      "%s[[foreign.library]]\nsoname = \"%s\"\nversions = \">= 0\"\nversion-from = \"soname\"\n"
      "[[foreign.function]]\ncontract = \"gemm.f32\"\nsymbol = \"cblas_sgemm\"\n"
      "returns = \"void\"\narguments = [%s]\n%s",
      HEAD "[foreign]\n", soname, arguments.data, GEMM_TESTS);
  assert_non_null (text);
  return text;
}

/* None is 0: the reference LAPACK ends the process with that when it does not like its
 * arguments. */
enum { CLAIM_WRONG = 40, CLAIM_UNBOUND = 41, CLAIM_PASSED = 42 };

/* The library complains to standard error, and what it does with nonsense is anybody's guess. */
static int
claim_child (const char *text)
{
  int null = open ("/dev/null", O_WRONLY);
  dup2 (null, 2);
  /* The framework's own handlers would go on with the next test, here. */
  static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
  for (size_t i = 0; i < ADZE_COUNT_OF (signals); i++)
    signal (signals[i], SIG_DFL);
  setrlimit (RLIMIT_CORE, &(struct rlimit){ 0, 0 });
  alarm (60);
  ADZE_AUTO (bound) b = { 0 };
  if (bind_text (text, &b))
    return CLAIM_UNBOUND;
  return adze_foreign_self_test (b.foreign) ? CLAIM_WRONG : CLAIM_PASSED;
}

static bool
claim_passes (const char *text)
{
  int status = 0;
  fflush (NULL);
  pid_t child = fork ();
  assert_true (child >= 0);
  if (child == 0)
    _exit (claim_child (text));
  assert_int_equal (waitpid (child, &status, 0), child);
  assert_false (WIFEXITED (status) && WEXITSTATUS (status) == CLAIM_UNBOUND);
  return WIFEXITED (status) && WEXITSTATUS (status) == CLAIM_PASSED;
}

/* The library of the shipped manifest NAME that is installed, or the end of the test. */
static void
bind_shipped (const char *name, bound *b)
{
  ADZE_AUTO_FREE char *path = NULL;
  b->manifest = read_shipped (name, &path);
  ADZE_AUTO_ERROR error = adze_foreign_bind (b->manifest, path, &b->foreign);
  if (!error)
    return;
  const char *strict = getenv ("ADZE_TEST_STRICT");
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  if (strict && strcmp (strict, "1") == 0)
    fail_msg ("%s", text ? text : "no memory");
  print_message ("not applicable: %s\n", adze_error_message (error));
  bound_cleanup (b);
  *b = (bound){ NULL, NULL };
  skip ();
}

static void
installed_blas_keeps_its_promise (void **state)
{
  (void)state;
  ADZE_AUTO (bound) b = { 0 };
  const adze_kernel *kernel = NULL;
  bind_shipped ("blas.toml", &b);
  must (adze_foreign_self_test (b.foreign));
  must (adze_foreign_kernel (b.foreign, "gemm.f32", &kernel));
  assert_false (adze_kernel_direct (kernel));
  assert_int_equal (adze_foreign_library_path (b.foreign)[0], '/');
  const float a[] = { 1, 2, 3, 4 };
  float c[] = { 0, 0, 0, 0 };
  must (adze_kernel_gemm (kernel, 0, 1, 2, 2, 2, 1, a, 2, a, 2, 0, c, 2));
  assert_true (c[0] == 5 && c[1] == 11 && c[2] == 11 && c[3] == 25);
  expect_words (gemm_sized (kernel, INT64_C (1) << 31, 0, 0, 1), NULL, "'m' is 2147483648");
}

static void
wrong_signatures_are_caught (void **state)
{
  (void)state;
  ADZE_AUTO (bound) b = { 0 };
  bind_shipped ("blas.toml", &b);
  const char *path = adze_foreign_library_path (b.foreign);
  ADZE_AUTO_FREE char *good = claim_text (NULL, path);
  assert_true (claim_passes (good));
  for (size_t i = 0; i < ADZE_COUNT_OF (wrong_claims); i++) {
    ADZE_AUTO_FREE char *text = claim_text (&wrong_claims[i], path);
    bool passes = claim_passes (text);
    print_message ("%s: %s\n", wrong_claims[i].name, passes ? "not seen" : "seen");
    if (passes && !wrong_claims[i].by_luck)
      fail_msg ("the vectors do not show: %s", wrong_claims[i].name);
  }
}

/* Singular values by hand: a rotation times diag (3, 2). */
static void
installed_lapack_keeps_its_promise (void **state)
{
  (void)state;
  ADZE_AUTO (bound) b = { 0 };
  const adze_kernel *kernel = NULL;
  bind_shipped ("lapack.toml", &b);
  must (adze_foreign_self_test (b.foreign));
  must (adze_foreign_kernel (b.foreign, "svd.f64", &kernel));
  double a[] = { 0, -2, 0, 3, 0, 0 }, s[2], u[4], v[6];
  must (adze_kernel_svd (kernel, 2, 3, a, 3, s, u, 2, v, 3));
  assert_true (fabs (s[0] - 3) < 1e-12 && fabs (s[1] - 2) < 1e-12);
  for (int row = 0; row < 2; row++)
    for (int column = 0; column < 3; column++) {
      const double wanted[] = { 0, -2, 0, 3, 0, 0 };
      double found = u[row * 2] * s[0] * v[column] + u[row * 2 + 1] * s[1] * v[3 + column];
      assert_true (fabs (found - wanted[row * 3 + column]) < 1e-12);
    }
  expect_words (adze_kernel_svd (kernel, 0, 3, a, 3, s, u, 2, v, 3), NULL, "no singular values");
}

/* ONE and OTHER trade places in the function of CONTRACT. */
static const struct {
  const char *manifest, *contract, *one, *other;
} swaps[] = {
  { "blas.toml", "gemv.f32", "from = \"m\"", "from = \"n\"" },
  { "blas.toml", "gemv.f64", "from = \"incx\"", "from = \"incy\"" },
  { "blas.toml", "gemv.f32", "from = \"alpha\"", "from = \"beta\"" },
  { "blas.toml", "gemv.f64", "0 = 111, 1 = 112", "0 = 112, 1 = 111" },
  { "blas.toml", "axpy.f32", "from = \"incx\"", "from = \"incy\"" },
  { "blas.toml", "axpy.f64", "from = \"x\"", "from = \"y\"" },
  { "blas.toml", "dot.f64", "from = \"incx\"", "from = \"incy\"" },
  { "blas.toml", "dot.f32", "returns = \"float\"", "returns = \"double\"" },
  { "blas.toml", "gemm.f64", "from = \"lda\"", "from = \"ldb\"" },
  { "lapack.toml", "svd.f32", "from = \"m\"", "from = \"n\"" },
  { "lapack.toml", "svd.f64", "from = \"u\"", "from = \"v\"" },
  { "lapack.toml", "svd.f32", "from = \"ldu\"", "from = \"ldv\"" },
  { "lapack.toml", "svd.f64", "value = 83", "value = 65" },
};

/* The text between FROM and its end, with every ONE as OTHER and every OTHER as ONE. */
static void
put_swapped (adze_buffer *into, const char *from, const char *end, const char *one,
             const char *other)
{
  while (from < end) {
    bool is_one = strncmp (from, one, strlen (one)) == 0;
    bool is_other = strncmp (from, other, strlen (other)) == 0;
    if (is_one || is_other) {
      adze_buffer_text (into, is_one ? other : one);
      from += strlen (is_one ? one : other);
    } else
      adze_buffer_add (into, from++, 1);
  }
}

static char *
swapped_text (size_t index)
{
  const char *folder = getenv ("TOP_SRCDIR");
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/plugin-manifests/foreign/%s",
                                                folder ? folder : ".", swaps[index].manifest);
  ADZE_AUTO_FREE char *text = NULL;
  ADZE_AUTO_FREE char *head = adze_text_format ("[[foreign.function]]\ncontract = \"%s\"",
                                                swaps[index].contract);
  ADZE_AUTO (adze_buffer) made = { 0 };
  size_t size = 0;
  char *whole = NULL;
  must (adze_file_read (path, 1 << 20, &text, &size));
  const char *at = strstr (text, head);
  assert_non_null (at);
  const char *end = strstr (at, "\n]\n");
  assert_non_null (end);
  adze_buffer_add (&made, text, (size_t)(at - text));
  put_swapped (&made, at, end, swaps[index].one, swaps[index].other);
  adze_buffer_text (&made, end);
  assert_true (made.size && strcmp (made.data, text) != 0);
  must (adze_buffer_finish (&made, &whole));
  return whole;
}

static void
swapped_arguments_are_caught (void **state)
{
  (void)state;
  static const char *const names[] = { "blas.toml", "lapack.toml" };
  for (size_t i = 0; i < ADZE_COUNT_OF (names); i++) {
    ADZE_AUTO (bound) b = { 0 };
    bind_shipped (names[i], &b);
  }
  for (size_t i = 0; i < ADZE_COUNT_OF (swaps); i++) {
    ADZE_AUTO_FREE char *text = swapped_text (i);
    if (claim_passes (text))
      fail_msg ("the vectors of %s do not show: %s for %s", swaps[i].contract, swaps[i].other,
                swaps[i].one);
  }
}

static void
crash_stays_in_the_process_that_tests (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *text = adze_text_format (
      "%s", HEAD "[foreign]\n" LIBRARY GEMM ("gemm_crashing", "returns = \"void\"\n",
                                             EQUAL_ARGUMENTS) GEMM_TESTS);
  assert_non_null (text);
  assert_false (claim_passes (text));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (installed_blas_keeps_its_promise),
    cmocka_unit_test (wrong_signatures_are_caught),
    cmocka_unit_test (installed_lapack_keeps_its_promise),
    cmocka_unit_test (swapped_arguments_are_caught),
    cmocka_unit_test (crash_stays_in_the_process_that_tests),
  };
  return cmocka_run_group_tests_name ("foreign-blas", tests, find_library, forget_library);
}
