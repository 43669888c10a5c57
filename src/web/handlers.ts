// Registers each route of the table with its handler. The handler gets the validated content of the request.
import type { Context, Hono } from "hono";
import * as z from "zod";
import { bodyOf } from "./body.ts";
import { BadRequest } from "./queries.ts";
import type { Route } from "./route.ts";
import { ROUTES, type RouteName } from "./route-table.ts";
import type { Env } from "./served.ts";

type Checked<R, Part extends string> = R extends { readonly [P in Part]: infer Schema extends z.ZodType }
  ? z.output<Schema>
  : undefined;

/** The content of a request; undefined for parts that the route does not have. */
interface Given<R extends Route> {
  readonly parameters: Checked<R, "parameters">;
  readonly query: Checked<R, "query">;
  readonly body: Checked<R, "body">;
}

type Handler<R extends Route> = (context: Context<Env>, given: Given<R>) => Response | Promise<Response>;

/** A handler for each of the named routes. */
export type Handlers<Name extends RouteName> = { readonly [K in Name]: Handler<(typeof ROUTES)[K]> };

/** Registers every route of the table. */
export function register(app: Hono<Env>, handlers: Handlers<RouteName>): void {
  for (const name of Object.keys(ROUTES) as RouteName[]) add(app, name, handlers);
}

function add<Name extends RouteName>(app: Hono<Env>, name: Name, handlers: Handlers<Name>): void {
  const route: Route = ROUTES[name];
  app.on(route.method.toUpperCase(), route.path, async (context) =>
    handlers[name](context, (await givenOf(route, context)) as Given<(typeof ROUTES)[Name]>),
  );
}

/** Validates a request. Throws BadRequest if a part does not match its schema. */
async function givenOf(
  { parameters, query, body }: Route,
  context: Context<Env>,
): Promise<Record<keyof Given<Route>, unknown>> {
  return {
    parameters: parameters && checked(parameters, context.req.param()),
    query: query && checked(query, queryOf(query, new URL(context.req.url).searchParams)),
    body: body instanceof z.ZodObject ? checked(body, await bodyOf(context)) : undefined,
  };
}

/** A list takes all values of its name; for other parameters an empty value counts as absent. */
function queryOf({ shape }: z.ZodObject, parameters: URLSearchParams): Record<string, unknown> {
  const single = [...parameters].filter(([name, value]) => value !== "" && !isList(shape[name]));
  const lists = Object.keys(shape).filter((name) => isList(shape[name]) && parameters.has(name));
  return Object.fromEntries([...single, ...lists.map((name) => [name, parameters.getAll(name)] as const)]);
}

function isList(schema: unknown): boolean {
  return schema instanceof z.ZodArray || (schema instanceof z.ZodDefault && isList(schema.unwrap()));
}

function checked<T extends z.ZodType>(schema: T, given: unknown): z.output<T> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new BadRequest(`${issue?.path.join(".") || "request"}: ${issue?.message ?? "wrong"}`);
}
