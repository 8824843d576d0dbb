import type { Dispatcher } from 'undici';
import type { Gate } from './gate.ts';

/**
 * Asks the gate once more when a request is about to leave: it may have waited for a connection meanwhile, in a process
 * that was stopped and whose timers have not run yet.
 */
export function atTheDoor(gate: Gate): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => dispatch(options, askingFirst(handler, gate));
}

function askingFirst(handler: Dispatcher.DispatchHandler, gate: Gate): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller, context) {
      handler.onRequestStart?.(controller, context);
      if (!gate.isOpen()) controller.abort(gate.signal.reason);
    },
    onRequestUpgrade: (...told) => handler.onRequestUpgrade?.(...told),
    onResponseStart: (...told) => handler.onResponseStart?.(...told),
    onResponseData: (...told) => handler.onResponseData?.(...told),
    onResponseEnd: (...told) => handler.onResponseEnd?.(...told),
    onResponseError: (...told) => handler.onResponseError?.(...told),
  };
}
