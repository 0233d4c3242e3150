/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of rules: what they match, what is refused and where, and that none takes for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/match.h"

static bool
matches (const char *text, const char *name)
{
  adze_pattern *pattern;
  ADZE_AUTO_ERROR error = adze_pattern_open (text, &pattern);
  if (error)
    fail_msg ("\"%s\": %s", text, adze_error_message (error));
  bool result = adze_pattern_matches (pattern, name);
  adze_pattern_close (pattern);
  return result;
}

typedef struct pair {
  const char *pattern, *name;
} pair;

static void
all (const pair *pairs, size_t count, bool expected)
{
  for (size_t i = 0; i < count; i++)
    if (matches (pairs[i].pattern, pairs[i].name) != expected)
      fail_msg ("\"%s\" and \"%s\" should%s match", pairs[i].pattern, pairs[i].name,
                expected ? "" : " not");
}

static void
test_globs (void **state)
{
  (void)state;
  static const pair yes[] = {
    { "fc3.*", "fc3.weight" },
    { "fc3.*", "fc3." },
    { "*", "" },
    { "*", "a/b.c" },
    { "fc?.bias", "fc1.bias" },
    { "fc[12].bias", "fc2.bias" },
    { "fc[!12].bias", "fc3.bias" },
    { "l[0-9][0-9]*", "l17.w" },
    { "{fc1,fc2}.*", "fc2.bias" },
    { "{a,b{c,d}}e", "bde" },
    { "{,x}y", "y" },
    { "a,b}", "a,b}" },
    { "[]]", "]" },
    { "[a-]", "-" },
    { "\\*.w", "*.w" },
    { "[\\]]", "]" },
    { "?", "\xc3\xa9" },
    { "[\xc3\xa0-\xc3\xaf]", "\xc3\xa9" },
    { "?", "\xff" },
    { "\xff", "\xff" },
    { "*.[[:digit:]].*", "h.7.weight" },
    { "**a**", "xaybz" },
    { "a.b", "a.b" },
  };
  static const pair no[] = {
    { "fc3.*", "fc3" },      { "fc3.*", "xfc3.weight" },
    { "fc", "fc3" },         { "?", "" },
    { "?", "ab" },           { "fc[!12].bias", "fc1.bias" },
    { "{fc1,fc2}", "fc12" }, { "a.b", "axb" },
    { "\\*", "a" },          { "[a-]", "b" },
    { "re", "re:" },         { "\xff", "\xfe" },
  };
  all (yes, ADZE_COUNT_OF (yes), true);
  all (no, ADZE_COUNT_OF (no), false);
}

static void
test_regular_expressions (void **state)
{
  (void)state;
  static const pair yes[] = {
    { "re:fc[0-9]+\\.(weight|bias)", "fc12.weight" },
    { "re:a{2,3}", "aa" },
    { "re:a{2,3}", "aaa" },
    { "re:a{2,}", "aaaaaa" },
    { "re:(ab){2}", "abab" },
    { "re:a{0}b", "b" },
    { "re:^a.c$", "abc" },
    { "re:(^a|b)*", "abb" },
    { "re:a|b|", "" },
    { "re:()", "" },
    { "re:a)", "a)" },
    { "re:[^]a]", "b" },
    { "re:[\\]", "\\" },
    { "re:[[:alpha:]_-]+", "a_-" },
    { "re:.", "\xc3\xa9" },
    { "re:(a*)*b", "aaab" },
    { "re:(a|b)*abb", "ababbabb" },
    { "re:x*", "" },
  };
  static const pair no[] = {
    { "re:fc[0-9]+", "fc" }, { "re:a{2,3}", "a" }, { "re:a{2,3}", "aaaa" }, { "re:a", "ba" },
    { "re:a", "ab" },        { "re:b^a", "ba" },   { "re:a$b", "ab" },      { "re:[^a]", "a" },
    { "re:fc.", "fc" },      { "re:\\.", "a" },    { "re:a|b", "ab" },
  };
  all (yes, ADZE_COUNT_OF (yes), true);
  all (no, ADZE_COUNT_OF (no), false);
}

static void
refused (const char *text, const char *character, const char *why)
{
  adze_pattern *pattern;
  ADZE_AUTO_ERROR error = adze_pattern_open (text, &pattern);
  if (!error)
    fail_msg ("\"%s\" should be refused", text);
  assert_null (pattern);
  assert_int_equal (adze_error_status (error), ADZE_E_PARAM);
  if (!strstr (adze_error_message (error), why))
    fail_msg ("\"%s\": %s", text, adze_error_message (error));
  if (character)
    assert_string_equal (adze_error_fact (error, "character"), character);
}

static void
test_bad_ones_are_refused_at_their_place (void **state)
{
  (void)state;
  refused ("", "1", "it is empty");
  refused ("re:", "1", "it is empty");
  refused ("fc[12", "3", "\"[\" is not closed");
  refused ("fc[", "3", "\"[\" is not closed");
  refused ("[]", "1", "\"[\" is not closed");
  refused ("\xc3\xa9{a,b", "2", "\"{\" is not closed");
  refused ("a\\", "2", "nothing follows");
  refused ("[^a]", "1", "[!...]");
  refused ("[z-a]", "2", "runs backwards");
  refused ("[[:digits:]]", "2", "[:digit:]");
  refused ("[[=a=]]", "2", "collating");
  refused ("re:(a", "4", "\"(\" is not closed");
  refused ("re:*a", "4", "nothing in front of \"*\"");
  refused ("re:a|+", "6", "nothing in front of \"+\"");
  refused ("re:(a)\\1", "7", "what a group has matched");
  refused ("re:\\d+", "4", "write [0-9]");
  refused ("re:a{", "5", "begins no count");
  refused ("re:a{,3}", "5", "begins no count");
  refused ("re:a{3,2}", "5", "runs backwards");
  refused ("re:a{256}", "5", "more than 255");
  refused ("re:\\", "4", "nothing follows");
  refused ("re:\\q", "4", "needs none");
}

/* Nothing that anybody writes makes memory or time run out. */
static void
test_hostile_ones_end (void **state)
{
  (void)state;
  char deep[2 * ADZE_COUNT_OF ("((((((((((((((((((((((((((((((((((((((((")] = "re:";
  memset (deep + 3, '(', 40);
  refused (deep, "36", "more than 32 deep");
  refused ("re:((a{255}){255}){255}", "1", "too many");
  refused ("re:((((){255}){255}){255}){255}", "1", "too many");
  char *long_one = malloc (4097);
  assert_non_null (long_one);
  memset (long_one, '*', 4096);
  long_one[4096] = '\0';
  refused (long_one, NULL, "longer than 1024 bytes");
  /* Those that go back try each way to share the name among the repetitions. */
  memset (long_one, 'a', 4096);
  assert_false (matches ("re:(a*)*(a*)*(a*)*(a|aa)*(a|a)*b", long_one));
  assert_false (matches ("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", long_one));
  assert_true (matches ("re:(a?){100}a{100}.*", long_one));
  free (long_one);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_globs),
    cmocka_unit_test (test_regular_expressions),
    cmocka_unit_test (test_bad_ones_are_refused_at_their_place),
    cmocka_unit_test (test_hostile_ones_end),
  };
  return cmocka_run_group_tests_name ("match", tests, NULL, NULL);
}
