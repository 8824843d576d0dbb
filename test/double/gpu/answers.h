/* What the stand-ins for NVIDIA's libraries answer: taken from the environment, so that a test writes a machine as a text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Text of a variable; empty where it is not set. */
static const char *answer(const char *variable) {
  const char *text = getenv(variable);
  return text ? text : "";
}

/* Code with which DOUBLE_FAIL ("cuInit=999,nvmlInit_v2=9") lets a call end; 0 where it is to succeed. Below 0 it never returns. */
static int failure(const char *call) {
  size_t length = strlen(call);
  for (const char *at = answer("DOUBLE_FAIL"); at && *at; at = strchr(at, ','), at = at ? at + 1 : 0)
    if (strncmp(at, call, length) == 0 && at[length] == '=') {
      int code = atoi(at + length + 1);
      while (code < 0) sleep(1000);
      return code;
    }
  return 0;
}

/* Number of lines of a variable. */
static int lines(const char *variable) {
  int count = 0;
  for (const char *at = answer(variable); *at; at++) count += *at == '\n';
  return count;
}

/* Copies line `index` of a variable, whose every line ends with a newline. */
static void line(const char *variable, int index, char *out, size_t size) {
  const char *at = answer(variable);
  for (int i = 0; i < index; i++) at = strchr(at, '\n') + 1;
  snprintf(out, size, "%.*s", (int)(strchr(at, '\n') - at), at);
}
