// Notifications: where alerts are sent, and what became of each delivery.
import { useState } from "react";
import { channels, deliveries } from "../../api/queries";
import type { ChannelTest, ChannelView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { AskDialog } from "../../components/AskDialog";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { NeedsRole } from "../../components/NeedsRole";
import { PageHead } from "../../components/PageHead";
import { deliveryState } from "../../components/states";
import { whereTo } from "../../forms/channel-draft";
import { ChannelEdit } from "../../forms/channel-edit";
import { useSend } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Table } from "../../table/Table";
import { Button } from "../../ui/Button";
import { Lamp } from "../../ui/Lamp";
import { Empty, Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";
import { formatTime, plural } from "../../util/units";

export function NotificationsPage() {
  const [isAdding, setIsAdding] = useState(false);
  const whyNot = useWhyNot("PUT /api/notifications/channels/{name}");
  return (
    <>
      <PageHead
        title="Notifications"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="alerts"
        lead="Alerts by webhook, mail or SNMP trap, so that nobody has to look here every day."
        actions={
          <Button look="primary" whyNot={whyNot} onClick={() => setIsAdding(true)}>
            Add a channel
          </Button>
        }
      />
      <NeedsRole act="GET /api/notifications/channels">
        <div className="stack">
          <Channels />
          <Deliveries />
        </div>
      </NeedsRole>
      {isAdding && <ChannelEdit onClose={() => setIsAdding(false)} />}
    </>
  );
}

function Channels() {
  const query = useLockAwareQuery(channels());
  return (
    <Loaded query={query} what="the channels">
      {(page) =>
        page.items.length === 0 ? (
          <Empty title="Alerts are sent nowhere">
            <p>Add a channel and try it: a backup that fails at night is worth a message.</p>
          </Empty>
        ) : (
          <div className="columns">
            {page.items.map((channel) => (
              <Channel key={channel.name} channel={channel} />
            ))}
          </div>
        )
      }
    </Loaded>
  );
}

function Channel({ channel }: { channel: ChannelView }) {
  const [open, setOpen] = useState<"edit" | "remove" | null>(null);
  const test = useSend<ChannelTest>(["deliveries"]);
  return (
    <Panel
      title={channel.name}
      aside={
        <Lamp
          state={
            channel.is_enabled
              ? { tone: "good", icon: "good", text: "On" }
              : { tone: "idle", icon: "paused", text: "Off" }
          }
        />
      }
    >
      <div className="stack">
        <div>
          <p className="mono small agent">{whereTo(channel.target)}</p>
          <p className="quiet-text">
            From {channel.severity_min} upwards
            {channel.events.length > 0 && `, only ${channel.events.join(", ")}`}
            {channel.has_secret ? "; has a secret" : ""}
          </p>
        </div>
        <div className="actions">
          <Button
            look="small"
            label={`Try ${channel.name}`}
            isBusy={test.isPending}
            onClick={() => test.mutate({ path: api.testChannel(channel.name) })}
          >
            Try it
          </Button>
          <Button look="small" label={`Change ${channel.name}`} onClick={() => setOpen("edit")}>
            Change
          </Button>
          <Button
            look={["small", "quiet"]}
            label={`Remove ${channel.name}`}
            onClick={() => setOpen("remove")}
          >
            Remove
          </Button>
        </div>
        {test.error && <ErrorBox error={test.error} />}
        {test.data && (
          <div role="status">
            <Notice tone={test.data.is_taken ? "good" : "bad"}>
              <strong>{test.data.is_taken ? "It was taken." : "It was not taken."}</strong>
              <p>{test.data.sentence}</p>
            </Notice>
          </div>
        )}
      </div>
      {open === "edit" && <ChannelEdit channel={channel} onClose={() => setOpen(null)} />}
      {open === "remove" && (
        <AskDialog
          title={`Remove ${channel.name}`}
          act="Remove it"
          isDanger
          sending={{ method: "DELETE", path: api.channel(channel.name) }}
          renews={["channels", "deliveries"]}
          done={`${channel.name} was removed.`}
          onClose={() => setOpen(null)}
        >
          <p>Nothing is sent there any more; what waits is dropped.</p>
        </AskDialog>
      )}
    </Panel>
  );
}

function Deliveries() {
  const query = useLockAwareQuery(deliveries());
  return (
    <Panel title="Deliveries" aside="the newest hundred" isFlush>
      <Loaded query={query} what="the deliveries">
        {(page) =>
          page.items.length === 0 ? (
            <Empty title="Nothing was sent yet">
              <p>Each delivery stands here, with what the receiver said.</p>
            </Empty>
          ) : (
            <Table
              items={page.items}
              keyOf={(item) => item.id}
              columns={[
                { head: "What", cell: (item) => item.notice.sentence },
                { head: "Channel", cell: (item) => item.channel },
                {
                  head: "State",
                  cell: (item) => (
                    <>
                      <Lamp state={deliveryState(item.state)} />
                      <p className="small quiet-text">
                        {plural(item.attempts, "attempt")}
                        {item.due && `, the next at ${formatTime(item.due)}`}
                        {item.error && `: ${item.error}`}
                      </p>
                    </>
                  ),
                },
                { head: "Queued", cell: (item) => <Ago at={item.created} /> },
              ]}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}
