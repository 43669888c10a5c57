// Given to the compiler ahead of better-sqlite3's own source (-include). From 24.19 and 26.4 on, Node's ObjectWrap takes
// a hook of the environment at construction and gives it back at destruction, and Node aborts when that happens with no
// current environment: in any collection of garbage from the idle event loop, and at the end of a thread. Earlier versions
// took no hook, and better-sqlite3 needs none: it closes its databases by a hook of its own.
#pragma once

#include <node.h>

#define AddEnvironmentCleanupHook(isolate, hook, object) static_cast<void>(hook)
#define RemoveEnvironmentCleanupHook(isolate, hook, object) static_cast<void>(hook)
#include <node_object_wrap.h>
#undef AddEnvironmentCleanupHook
#undef RemoveEnvironmentCleanupHook
