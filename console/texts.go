package console

// text is one text in every language that the console speaks. What stands in braces is a
// gap; both have the same.
type text struct{ en, zh string }

// texts are all that the console says, by key. The sentences about a payment stand in
// texts_reason.go.
var texts = merged(pageTexts, wordTexts, reasonTexts)

func merged(tables ...map[word]text) map[word]text {
	all := map[word]text{}
	for _, table := range tables {
		for key, t := range table {
			all[key] = t
		}
	}
	return all
}

// pageTexts are what the pages themselves say.
var pageTexts = map[word]text{
	"skip":               {"Skip to the content", "跳到正文"},
	"nav":                {"Main", "主导航"},
	"nav.overview":       {"Overview", "总览"},
	"nav.payments":       {"Payments", "支付"},
	"nav.refunds":        {"Refunds", "退款"},
	"nav.flags":          {"Flags", "人工处理"},
	"nav.letters":        {"Dead letters", "死信"},
	"search.label":       {"Find a payment by a number", "按编号查找支付"},
	"search.placeholder": {"Order, transaction, payment or refund id", "订单号、微信单号、支付号或退款号"},
	"search.none":        {"Nothing has this number. It is looked for as it stands, from its first to its last character.", "没有找到这个编号。查找时要求完整一致。"},
	"search.several":     {"{count} payments have this number.", "有 {count} 笔支付使用这个编号。"},
	"language.other":     {"中文", "English"},
	"language.other_tag": {"zh-CN", "en"},
	"sign_in":            {"Sign in", "登录"},
	"sign_out":           {"Sign out", "退出"},
	"sign_in.name":       {"Name", "用户名"},
	"sign_in.password":   {"Password", "密码"},
	"sign_in.lead":       {"Operators stand in the configuration, under admin.operators.", "操作员在配置文件的 admin.operators 中设置。"},
	"sign_in.insecure":   {"This page does not come over TLS, so your browser will not keep the session. Use https, or a tunnel to loopback.", "此页面未使用 TLS，浏览器不会保留登录状态。请使用 https，或通过隧道访问本机回环地址。"},
	"zone.utc":           {"Times are in UTC.", "时间为 UTC。"},

	"unguarded":       {"You see everything and can do nothing here, because no operators are configured.", "尚未配置操作员：可以查看全部内容，但不能执行任何操作。"},
	"unguarded.how":   {"How to configure them", "如何配置"},
	"unguarded.title": {"To act, configure operators", "配置操作员后即可操作"},
	"unguarded.text":  {"This command asks for a password and prints its hash; the hash goes into the configuration file. An operator may act, a viewer may only look.", "下面的命令会要求输入密码并打印其散列值，把散列值写入配置文件。operator 可以操作，viewer 只能查看。"},

	"title.overview": {"Overview", "总览"},
	"title.payments": {"Payments", "支付"},
	"title.payment":  {"Payment", "支付"},
	"title.refunds":  {"Refunds", "退款"},
	"title.flags":    {"Flags", "人工处理"},
	"title.letters":  {"Dead letters", "死信"},
	"title.letter":   {"Dead letter", "死信"},
	"title.search":   {"Search", "查找"},
	"title.sign_in":  {"Sign in", "登录"},
	"title.problem":  {"That did not work", "未能完成"},

	"overview.now":       {"How it stands now", "当前状况"},
	"overview.live":      {"Live", "实时"},
	"overview.not_live":  {"Not live", "未实时更新"},
	"overview.no_answer": {"does not answer.", "没有应答。"},
	"overview.stale":     {"The database can't be read. What stands here is of", "无法读取数据库。以下内容截至"},
	"overview.nothing":   {"The database can't be read, and nothing was read before.", "无法读取数据库，之前也没有读到任何内容。"},
	"overview.oldest":    {"has waited the longest: somebody should have looked at it", "等待最久，本应处理的时间是"},
	"stop":               {".", "。"},
	"overview.as_of":     {"As of", "截至"},

	"tile.requested":   {"Being prepared", "预下单中"},
	"tile.prepared":    {"Can be paid", "待支付"},
	"tile.flagged":     {"Flags that wait", "待处理标记"},
	"tile.dead":        {"Dead letters", "死信"},
	"tile.unpublished": {"Events to publish", "待发布事件"},
	"tile.oldest":      {"oldest waits {time}", "最久已等 {time}"},
	"tile.audit":       {"Audit breaks", "审计异常"},
	"audit.none":       {"none", "无"},

	"chart.title":     {"Payments per minute", "每分钟支付数"},
	"chart.label":     {"Payments requested, completed and closed in each of the last minutes", "最近每分钟请求、完成与关闭的支付数"},
	"chart.requested": {"requested", "请求"},
	"chart.completed": {"completed", "完成"},
	"chart.closed":    {"closed", "关闭"},
	"chart.slot":      {"{requested} requested, {completed} completed, {closed} closed", "请求 {requested}，完成 {completed}，关闭 {closed}"},
	"chart.empty":     {"Nothing has been counted yet.", "暂无统计。"},

	"steps.title": {"How long steps take", "各步骤耗时"},
	"steps.step":  {"Step", "步骤"},
	"steps.count": {"of the latest", "样本数"},
	"steps.empty": {"No payment has taken a step yet.", "还没有支付走过任何步骤。"},

	"notifies.title": {"How the last hour's payments were found paid", "最近一小时如何得知已支付"},
	"notifies.empty": {"Nothing was paid in the last hour.", "最近一小时没有完成的支付。"},

	"lines.title":        {"WeChat, last ten minutes", "微信接口（最近十分钟）"},
	"lines.success":      {"Success", "成功率"},
	"lines.calls":        {"Calls", "调用数"},
	"lines.last_failure": {"Last failure", "最近失败"},
	"lines.empty":        {"WeChat was not called in the last ten minutes.", "最近十分钟没有调用微信。"},

	"keys.title": {"Tokens, certificates and hosts", "令牌、证书与域名"},
	"keys.what":  {"What", "项目"},
	"keys.since": {"since", "自"},
	"keys.until": {"Until", "有效至"},
	"keys.empty": {"This process knows of none.", "本进程没有相关信息。"},

	"queues.title":     {"Queues", "队列"},
	"queues.consumer":  {"Consumer", "消费者"},
	"queues.pending":   {"Waiting", "等待"},
	"queues.in_hand":   {"In hand", "处理中"},
	"queues.empty":     {"This process reads no queue.", "本进程不读取队列。"},
	"overdue.payments": {"Payments late:", "延迟的支付："},
	"overdue.refunds":  {"Refunds late:", "延迟的退款："},

	"column.order":       {"Order", "订单号"},
	"column.state":       {"State", "状态"},
	"column.amount":      {"Amount", "金额"},
	"column.merchant":    {"Merchant", "商户"},
	"column.description": {"Description", "描述"},
	"column.created":     {"Created", "创建时间"},
	"column.next":        {"Next look", "下次处理"},
	"column.refund":      {"Refund", "退款单号"},
	"column.why":         {"Why it stands there", "当前原因"},
	"column.letter":      {"Letter", "编号"},
	"column.subject":     {"Subject", "主题"},
	"column.reason":      {"Reason", "原因"},
	"column.attempts":    {"Attempts", "次数"},
	"column.at":          {"At", "时间"},
	"column.host":        {"Host", "域名"},

	"filter.all":   {"All", "全部"},
	"filter.from":  {"From", "起"},
	"filter.to":    {"Until", "止"},
	"filter.show":  {"Show", "筛选"},
	"paging":       {"Pages", "翻页"},
	"paging.first": {"Latest", "最新"},
	"paging.next":  {"Older", "更早"},
	"trouble.mark": {"{count} in vain", "{count} 次未果"},

	"list.go_on":     {"Nothing so far; there is more to look through.", "暂未找到，还可以继续查找。"},
	"payments.empty": {"No payment is like that.", "没有符合条件的支付。"},
	"refunds.empty":  {"No refund is like that.", "没有符合条件的退款。"},

	"flags.waiting":      {"Waiting", "待处理"},
	"flags.settled":      {"Settled", "已处理"},
	"flags.none":         {"Nothing waits for a person.", "没有需要人工处理的事项。"},
	"flags.none_settled": {"No flag has been settled yet.", "还没有处理过的标记。"},
	"flags.no_payment":   {"There is no such payment.", "没有对应的支付。"},
	"flags.settled_by":   {"Settled by", "处理人"},

	"letters.lead":       {"Messages that nobody could process. Open one to see what a replay would lead to; nothing is done before you say so.", "无法处理的消息。打开即可查看重放会产生的结果，在确认之前不会执行任何操作。"},
	"letters.none":       {"There are no dead letters.", "没有死信。"},
	"letter.would":       {"What a replay would do", "重放会发生什么"},
	"letter.facts":       {"The letter", "死信内容"},
	"letter.replay_lead": {"A replay gives the message to the workers once more. It changes nothing that has happened already.", "重放会把消息再次交给工作进程，不会改变已经发生的事情。"},
	"letter.link":        {"letter {sequence}", "死信 {sequence}"},
	"letter.title":       {"Became a dead letter after {attempts} attempts", "尝试 {attempts} 次后成为死信"},

	"payment.reason":   {"Why it stands where it stands", "当前状态的原因"},
	"payment.next":     {"Next look:", "下次处理："},
	"payment.no_next":  {"Nothing more is planned.", "没有后续安排。"},
	"payment.facts":    {"Facts", "详情"},
	"payment.timeline": {"What happened", "经过"},
	"payment.letters":  {"Dead letters of this order", "此订单的死信"},

	"acts.title":   {"What you can do", "可执行的操作"},
	"acts.none":    {"Nothing is left to be done here.", "没有需要执行的操作。"},
	"acts.may_not": {"You may look here, and not act.", "您可以查看，但不能操作。"},

	"act.query":      {"Ask WeChat now", "立即查询微信"},
	"act.close":      {"Close the order…", "关闭订单…"},
	"act.close_sure": {"The order is closed at WeChat as soon as WeChat says that it is unpaid. If it was paid, it is completed instead.", "微信确认未支付后才会关闭订单；如果已经支付，则会完成订单。"},
	"act.close_yes":  {"Close it", "确认关闭"},
	"act.settle":     {"Settle", "标为已处理"},
	"act.replay":     {"Replay", "重放"},
	"comment.settle": {"What did you find?", "核查结果"},
	"comment.close":  {"Why? (may be empty)", "原因（可不填）"},
	"comment.replay": {"Why is it replayed?", "重放的原因"},

	"told.query":           {"WeChat is asked now: the answer shows here in a moment.", "正在查询微信，稍后会在这里看到结果。"},
	"told.close":           {"The order will be closed as soon as WeChat says that it is unpaid.", "微信确认未支付后将关闭订单。"},
	"told.settle":          {"The flag is settled.", "标记已处理。"},
	"told.replay":          {"The letter was replayed: the workers have it again.", "死信已重放，工作进程会再次处理。"},
	"told.nothing":         {"Nothing was done: somebody else has just done it, or there was nothing to do.", "没有执行：可能别人刚刚处理过，或无需处理。"},
	"told.comment_missing": {"Nothing was done: a comment is needed, for those who look into it later.", "没有执行：请填写说明，以便日后查阅。"},
	"told.letter_gone":     {"Nothing was done: the letter is not there any more.", "没有执行：死信已不存在。"},
	"told.letter_changed":  {"Nothing was done: a replay would lead to something else by now. Please look again.", "没有执行：重放的结果已发生变化，请重新查看。"},
	"told.postgres":        {"PostgreSQL does not answer, so nobody knows yet whether it was done. Look again in a moment.", "PostgreSQL 没有应答，暂时不知道是否已执行，请稍后查看。"},
	"told.nats":            {"NATS or PostgreSQL does not answer, so nobody knows yet whether it was done. Look again in a moment.", "NATS 或 PostgreSQL 没有应答，暂时不知道是否已执行，请稍后查看。"},
	"told.failed":          {"It was not done; the log says why.", "没有执行成功，原因见日志。"},
	"told.sign_in_wrong":   {"The name or the password is wrong.", "用户名或密码错误。"},
	"told.sign_in_slower":  {"Too many tries. Wait half a minute, then try again.", "尝试次数过多，请等待半分钟后再试。"},
	"told.sign_in_crowded": {"Too many people sign in at this moment. Try again in a few seconds.", "当前登录人数过多，请几秒后再试。"},

	"problem.not_found": {"There is nothing of that number.", "没有这个编号的内容。"},
	"problem.no_page":   {"There is no such page.", "没有这个页面。"},
	"problem.postgres":  {"PostgreSQL does not answer. Payments wait until it is back; look again in a moment.", "PostgreSQL 没有应答。支付会等待其恢复，请稍后再看。"},
	"problem.nats":      {"NATS does not answer, and the dead letters are there. Look again in a moment.", "NATS 没有应答，而死信保存在其中，请稍后再看。"},
	"problem.error":     {"It can't be shown; the log says why.", "无法显示，原因见日志。"},
	"problem.role":      {"Your role may look, and not act.", "您的角色只能查看，不能操作。"},
	"problem.token":     {"The form has grown old, or does not come from this console. Open the page anew and try again.", "表单已过期，或并非来自本控制台。请重新打开页面后再试。"},
	"problem.unguarded": {"Nobody can act here, because no operators are configured.", "尚未配置操作员，无法执行操作。"},
	"problem.bad":       {"That can't be understood.", "无法理解该请求。"},
	"problem.back":      {"To the overview", "返回总览"},

	"part.history": {"The history", "历史记录"},
	"part.journal": {"The journal of calls and notifies", "调用与通知日志"},
	"part.refunds": {"The list of refunds", "退款列表"},
	"part.flags":   {"The list of flags", "标记列表"},
	"part.letters": {"The list of dead letters", "死信列表"},
	"part.missing": {"could not be read now; the rest of the page does not know of it.", "暂时无法读取，页面其余部分不包含相关信息。"},

	"line.body":  {"Content", "内容"},
	"line.empty": {"Nothing is known.", "没有记录。"},

	"relative.ago":   {"{time} ago", "{time}前"},
	"relative.in":    {"in {time}", "{time}后"},
	"relative.now":   {"now", "现在"},
	"relative.units": {"{count} {unit}", "{count} {unit}"},
	"unit.s":         {"s", "秒"},
	"unit.min":       {"min", "分钟"},
	"unit.h":         {"h", "小时"},
	"unit.d":         {"d", "天"},
}
